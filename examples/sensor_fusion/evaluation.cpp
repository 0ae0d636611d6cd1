#include <weft/examples/sensor_fusion/evaluation.hpp>

#include <weft/examples/common/default_device.hpp>

namespace weft::examples::fusion {
namespace {

std::vector<DetectionFrame> views(const std::vector<Frame>& frames) {
  std::vector<DetectionFrame> views;
  for (const Frame& frame : frames) views.push_back({frame.truth, frame.found});
  return views;
}

}  // namespace

std::vector<Frame> detect(FusionModel& model, const std::vector<Scene>& scenes, const BevGrid& grid,
                          const DetectOptions& options) {
  NoGrad guard;
  eval(model);
  SceneSet set(
      scenes,
      {.grid = grid, .drop_camera = options.drop_camera ? 1.0 : 0.0, .drop_lidar = options.drop_lidar ? 1.0 : 0.0});
  DataLoader loader(set, {.batch_size = 50, .workers = 2, .prefetch = 4});
  std::vector<Frame> frames;
  frames.reserve(scenes.size());
  for (Batch& batch : loader) {
    batch.inputs = on_default_device(batch.inputs);
    if (options.other_pictures) batch.inputs.pictures = roll(batch.inputs.pictures, 1, 0);
    std::vector<float> output = model(batch.inputs).to_vector<float>();
    constexpr size_t each = BevGrid::cells * output_features;
    for (size_t i = 0; i < batch.scenes.size(); ++i)
      frames.push_back({batch.scenes[i].condition, std::move(batch.scenes[i].boxes),
                        decode(std::span(output).subspan(i * each, each), grid)});
  }
  train(model);
  return frames;
}

std::array<RangeBand, 3> range_bands(const BevGrid& grid) {
  double near = grid.extent * 0.375, middle = grid.extent * 0.75;
  return {RangeBand{0, near}, RangeBand{near, middle}, RangeBand{middle}};
}

NuScenesResult score(const std::vector<Frame>& frames, const std::function<bool(const Frame&)>& keep,
                     const RangeBand& band) {
  std::vector<Frame> chosen;
  for (const Frame& frame : frames)
    if (!keep || keep(frame))
      chosen.push_back({frame.condition, boxes_in_range(frame.truth, band.nearest, band.farthest),
                        boxes_in_range(frame.found, band.nearest, band.farthest)});
  return evaluate_nuscenes(views(chosen));
}

NuScenesResult score(const std::vector<Frame>& frames, Condition condition) {
  return score(frames, [condition](const Frame& frame) { return frame.condition == condition; });
}

PrecisionRecall precision_curve(const std::vector<Frame>& frames, ObjectClass object) {
  return nuscenes_curve(views(frames), object, 2);
}

}  // namespace weft::examples::fusion
