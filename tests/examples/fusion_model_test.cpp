#include <cmath>

#include <catch2/catch.hpp>

#include <weft/examples/sensor_fusion/evidence.hpp>
#include <weft/examples/sensor_fusion/frame_picture.hpp>
#include <weft/examples/sensor_fusion/loss.hpp>
#include <weft/examples/sensor_fusion/model.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;

namespace {

Batch two_scenes(Condition condition = Condition::clear) {
  std::vector<FusionSample> samples;
  for (Scene& scene : make_scenes(2, 21, {.condition = condition}))
    samples.push_back(make_sample(std::move(scene), BevGrid{}));
  return collate(samples);
}

FusionModel model_of(Fusion fusion) { return make_model({.fusion = fusion}, 4, picture_height, picture_width); }

std::vector<float> output_of(FusionModel& model, const Inputs& inputs) {
  eval(model);
  return model(inputs).to_vector<float>();
}

}  // namespace

TEST_CASE("every kind of fusion but the parts has as many parameters as attention within five percent", "[fusion]") {
  auto wanted = static_cast<double>(num_parameters(model_of(Fusion::attention)));
  CHECK(wanted > 220e3);
  CHECK(wanted < 300e3);
  for (Fusion fusion : fusions) {
    INFO(name_of(fusion));
    CHECK(fusion_named(name_of(fusion)) == fusion);
    const auto parameters = static_cast<double>(num_parameters(model_of(fusion)));
    if (fusion == Fusion::camera_part || fusion == Fusion::lidar_part) CHECK(parameters < 0.95 * wanted);
    else CHECK(std::abs(parameters / wanted - 1) < 0.05);
  }
  CHECK_THROWS_AS(fusion_named("sum"), ValueError);
}

TEST_CASE("every kind of fusion gives the output's shape and a gradient for each of its parameters", "[fusion]") {
  Batch batch = two_scenes();
  for (Fusion fusion : fusions) {
    INFO(name_of(fusion));
    FusionModel model = model_of(fusion);
    auto [loss, gradients] = value_and_grad(model, [&] {
      Tensor output = model(batch.inputs);
      CHECK(output.shape() == Shape{2, BevGrid::rows, BevGrid::columns, output_features});
      return detection_loss(output, batch);
    });
    CHECK(std::isfinite(loss.item<double>()));
    for (auto [path, value, kind] : gradients) {
      INFO(path);
      // A bias that is added to every key changes no softmax.
      if (path.find("attend.key.bias") != std::string::npos) continue;
      CHECK(max(abs(value)).item<double>() > 0);
    }
  }
}

TEST_CASE("a model of one sensor does not see the other", "[fusion]") {
  Batch batch = two_scenes();
  Inputs no_lidar = batch.inputs, no_camera = batch.inputs;
  no_lidar.pillars = zeros_like(batch.inputs.pillars);
  no_camera.pictures = full(batch.inputs.pictures.shape(), -1.0);
  FusionModel camera = model_of(GENERATE(Fusion::camera, Fusion::camera_part)),
              lidar = model_of(GENERATE(Fusion::lidar, Fusion::lidar_part)), both = model_of(Fusion::attention);
  CHECK(output_of(camera, batch.inputs) == output_of(camera, no_lidar));
  CHECK(output_of(camera, batch.inputs) != output_of(camera, no_camera));
  CHECK(output_of(lidar, batch.inputs) == output_of(lidar, no_camera));
  CHECK(output_of(lidar, batch.inputs) != output_of(lidar, no_lidar));
  CHECK(output_of(both, batch.inputs) != output_of(both, no_camera));
  CHECK(output_of(both, batch.inputs) != output_of(both, no_lidar));
}

TEST_CASE("what one place sees reaches every cell", "[fusion]") {
  Batch batch = two_scenes();
  Inputs changed = batch.inputs;
  changed.pillars =
      slice_update(changed.pillars, full({2, 1, 1, pillar_features}, 1.0), {slice(), slice(30, 31), slice(1, 2)});
  FusionModel model = model_of(Fusion::lidar);
  std::vector<float> before = output_of(model, batch.inputs), after = output_of(model, changed);
  int64_t same = 0;
  for (size_t i = 0; i < before.size(); ++i) same += before[i] == after[i];
  CHECK(same < static_cast<int64_t>(before.size()) / 2);
}

TEST_CASE("a dead sensor looks the same in every scene", "[fusion]") {
  Batch blind = two_scenes(Condition::camera_dead), deaf = two_scenes(Condition::lidar_dead);
  CHECK(max(blind.inputs.pictures).item<double>() == -1);
  CHECK(min(blind.inputs.pictures).item<double>() == -1);
  CHECK(max(abs(deaf.inputs.pillars)).item<double>() == 0);
  CHECK(max(abs(blind.inputs.pillars)).item<double>() > 0);
}

TEST_CASE("attention begins where a cell is projected", "[fusion]") {
  FusionModel model = model_of(Fusion::attention);
  Batch batch = two_scenes();
  std::vector<Tensor> maps = attention_maps(model, batch.inputs);
  REQUIRE(maps.size() == 2);
  int64_t columns = picture_width / token_stride, tokens = columns * (picture_height / token_stride);
  CHECK(maps[0].shape() == Shape{2, BevGrid::queries, tokens + 1});
  std::vector<float> weights = maps[0].to_vector<float>(), samples = batch.inputs.samples.to_vector<float>();
  int64_t query = 8 * BevGrid::query_columns + 7;  // 17 m ahead, 1 m to the right
  const float* row = weights.data() + query * (tokens + 1);
  double mass = 0;
  for (int64_t token = 0; token < tokens; ++token) mass += static_cast<double>(row[token]);
  CHECK(mass + static_cast<double>(row[tokens]) == Approx(1).epsilon(1e-4));
  double column = static_cast<double>(samples[static_cast<size_t>(query * sample_heights * 2)]), near = 0;
  for (int64_t token = 0; token < tokens; ++token)
    if (std::abs(static_cast<double>(token % columns) - column) <= 2) near += static_cast<double>(row[token]);
  CHECK(near > 0.6 * mass);
  make_attention_uniform(model);
  std::vector<float> uniform = attention_maps(model, batch.inputs)[0].to_vector<float>();
  CHECK(static_cast<double>(uniform[5]) == Approx(1.0 / static_cast<double>(tokens + 1)).epsilon(1e-4));
}

TEST_CASE("objects are looked for where they are projected", "[fusion]") {
  Scene scene = make_scene(21, 0, {.condition = Condition::clear});
  BevGrid grid;
  int64_t found = 0;
  for (const Box& box : scene.boxes) {
    auto tokens = projected_tokens(box, scene.camera);
    if (!tokens) continue;
    ++found;
    CHECK(tokens->left >= 0);
    CHECK(tokens->right <= picture_width / token_stride);
    CHECK(tokens->tokens() >= 1);
    Pixel centre = scene.camera.project(box.centre);
    if (!scene.camera.inside(centre)) continue;
    CHECK(static_cast<double>(tokens->left * token_stride) <= centre.u + 0.5);
    CHECK(static_cast<double>(tokens->right * token_stride) >= centre.u + 0.5);
  }
  CHECK(found > 0);
  Box box;
  box.centre = {5, 0.5, 0};
  CHECK(query_of(box, grid) == 2 * BevGrid::query_columns + 8);
  box.centre.x = -5;
  CHECK_FALSE(query_of(box, grid));
  FusionModel model = model_of(Fusion::attention);
  Evidence evidence = find_evidence(model, make_scenes(3, 5), grid);
  AttentionShare all;
  for (const AttentionShare& share : evidence.by_condition) all.add(share);
  CHECK(all.objects > 0);
  CHECK(all.gain() > 3);  // attention begins aligned
  int64_t in_bands = 0, alive = 0;
  for (const AttentionShare& share : evidence.by_range) in_bands += share.objects;
  for (Condition condition : {Condition::clear, Condition::night, Condition::fog})
    alive += evidence.by_condition[static_cast<size_t>(condition)].objects;
  CHECK(in_bands == alive);
  FusionModel lidar = model_of(Fusion::lidar);
  CHECK(find_evidence(lidar, make_scenes(3, 5), grid).seeing().objects == 0);
}

TEST_CASE("pictures of a frame have their panes", "[fusion]") {
  Scene scene = make_scene(21, 0, {.condition = Condition::night});
  BevGrid grid;
  for (Fusion fusion : {Fusion::attention, Fusion::lidar}) {
    FusionModel model = model_of(fusion);
    FrameView view = look_at(model, scene, grid, interesting_object(scene, grid));
    CHECK(view.attention.empty() == (fusion == Fusion::lidar));
    Image picture = frame_picture(view, grid);
    CHECK(picture.width > 800);
    CHECK(picture.height > 300);
  }
}
