#include <weft/examples/sensor_fusion/batch.hpp>

#include <algorithm>

#include <weft/core/error.hpp>
#include <weft/training/collate.hpp>

namespace weft::examples::fusion {
namespace {

FusionSample encode(Scene scene, const BevGrid& grid) {
  FusionSample sample{picture_values(scene.image),
                      ray_codes(scene.camera),
                      pillars(scene, grid),
                      place_codes(scene.camera, grid),
                      sample_places(scene.camera, grid),
                      make_targets(scene.boxes, grid),
                      {}};
  sample.scene = std::move(scene);
  return sample;
}

/// One field of all samples, each [shape...], as [B, shape...].
template <class F> Tensor gather(const std::vector<FusionSample>& samples, const Shape& shape, F field) {
  Shape whole = shape;
  whole.insert(0, static_cast<int64_t>(samples.size()));
  Tensor tensor = Tensor::empty(whole, DType::float32, Device());
  float* out = tensor.mutable_data<float>();
  for (const FusionSample& sample : samples) {
    const std::vector<float>& values = field(sample);
    out = std::copy(values.begin(), values.end(), out);
  }
  return tensor;
}

}  // namespace

void mirror(Scene& scene) {
  for (size_t i = 1; i < scene.points.size(); i += 4) scene.points[i] = -scene.points[i];
  scene.lidar_origin.y = -scene.lidar_origin.y;
  Image turned = scene.image;
  for (int64_t y = 0; y < turned.height; ++y)
    for (int64_t x = 0; x < turned.width; ++x) turned.set(x, y, scene.image.at(turned.width - 1 - x, y));
  scene.image = std::move(turned);
  // x of the camera and y of the car both change sign, so the frames stay right-handed.
  Mat3& r = scene.camera.camera_from_ego.rotation;
  for (size_t i : {size_t{0}, size_t{2}, size_t{4}, size_t{7}}) r.m[i] = -r.m[i];
  Vec3& t = scene.camera.camera_from_ego.translation;
  t.x = -t.x;
  scene.camera.cx = static_cast<double>(scene.camera.width - 1) - scene.camera.cx;
  scene.camera.skew = -scene.camera.skew;
  for (Box& box : scene.boxes) {
    box.centre.y = -box.centre.y;
    box.yaw = wrap_angle(-box.yaw);
  }
}

FusionSample make_sample(Scene scene, const BevGrid& grid) { return encode(std::move(scene), grid); }

FusionSample make_sample(Scene scene, const SampleOptions& options, RandomSequence& random) {
  if (options.mirror && random.chance(0.5)) mirror(scene);
  auto chance = static_cast<double>(random.uniform());
  // A scene that has lost one sensor keeps the other.
  if (chance < options.drop_camera && scene.condition != Condition::lidar_dead) kill_camera(scene);
  if (chance >= options.drop_camera && chance < options.drop_camera + options.drop_lidar &&
      scene.condition != Condition::camera_dead)
    kill_lidar(scene);
  return encode(std::move(scene), options.grid);
}

Batch collate(const std::vector<FusionSample>& samples) {
  const Image& first = samples.at(0).scene.image;
  Batch batch;
  for (const FusionSample& sample : samples) {
    const Image& image = sample.scene.image;
    if (image.width != first.width || image.height != first.height)
      throw ShapeError("collate: expected pictures of " + std::to_string(first.width) + " x " +
                       std::to_string(first.height) + ", got " + std::to_string(image.width) + " x " +
                       std::to_string(image.height));
    batch.scenes.push_back(sample.scene);
  }
  int64_t tokens = (first.height / token_stride) * (first.width / token_stride);
  constexpr int64_t rows = BevGrid::rows, columns = BevGrid::columns, queries = BevGrid::queries;
  batch.inputs.pictures = gather(
      samples, {first.height, first.width, 3}, [](auto& s) -> auto& { return s.picture; });
  batch.inputs.rays = gather(
      samples, {tokens, direction_features}, [](auto& s) -> auto& { return s.rays; });
  batch.inputs.pillars = gather(
      samples, {rows, columns, pillar_features}, [](auto& s) -> auto& { return s.pillars; });
  batch.inputs.places = gather(
      samples, {queries, place_features}, [](auto& s) -> auto& { return s.places; });
  batch.inputs.samples = gather(
      samples, {queries, sample_heights, 2}, [](auto& s) -> auto& { return s.samples; });
  batch.heat = gather(
      samples, {rows, columns, class_count}, [](auto& s) -> auto& { return s.targets.heat; });
  batch.box = gather(
      samples, {rows, columns, box_features}, [](auto& s) -> auto& { return s.targets.box; });
  batch.centres = gather(
      samples, {rows, columns}, [](auto& s) -> auto& { return s.targets.centres; });
  return batch;
}

SceneSet::SceneSet(const std::vector<Scene>& scenes, SampleOptions options)
    : SceneSet(
          static_cast<int64_t>(scenes.size()),
          [&scenes](int64_t index, RandomSequence&) { return scenes[static_cast<size_t>(index)]; }, options) {}

FusionSample SceneSet::get(int64_t index, RandomSequence& random) const {
  Scene scene = make_(index, random);
  SampleOptions options = options_;
  // With a picture that belongs elsewhere, only the LiDAR tells what there is.
  if (scene.returns() > 0 && random.chance(options.other_picture)) {
    scene.image = make_(random.below(count_), random).image;
    options.drop_lidar = 0;
  }
  return make_sample(std::move(scene), options, random);
}

}  // namespace weft::examples::fusion
