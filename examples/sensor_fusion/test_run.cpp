#include <weft/examples/sensor_fusion/test_run.hpp>

#include <algorithm>
#include <cmath>

namespace weft::examples::fusion {
namespace {

bool has_attention(const FusionModel& model) {
  return std::any_of(model.detectors.begin(), model.detectors.end(), [](auto& d) { return !d.cross.empty(); });
}

bool alive(const Scene& scene) {
  return scene.condition != Condition::camera_dead && scene.condition != Condition::lidar_dead;
}

/// The same layouts in every condition, one condition after another.
std::vector<Scene> scenes_by_condition(const FusionData& data, int64_t count) {
  if (!data.made) return data.test;
  std::vector<Scene> all;
  for (Condition condition : conditions)
    for (Scene& scene : test_scenes(count, {.condition = condition})) all.push_back(std::move(scene));
  return all;
}

using Keep = std::function<bool(const Frame&)>;

std::array<NuScenesResult, 3> by_range(const std::vector<Frame>& frames, const BevGrid& grid, const Keep& keep = {}) {
  std::array<NuScenesResult, 3> scores;
  std::array<RangeBand, 3> bands = range_bands(grid);
  for (size_t i = 0; i < bands.size(); ++i) scores[i] = score(frames, keep, bands[i]);
  return scores;
}

/// Everything that a sensor is taken from, or exchanged, or turned, for scenes that have both.
void test_both_alive(TestSummary& summary, FusionModel& model, const BevGrid& grid, const std::vector<Scene>& scenes) {
  auto map = [&](FusionModel& tested, const DetectOptions& options) {
    return score(detect(tested, scenes, grid, options)).mean_ap();
  };
  std::vector<Frame> both = detect(model, scenes, grid);
  summary.both = score(both).mean_ap();
  summary.both_by_range = by_range(both, grid);
  summary.lidar_alone = map(model, {.drop_camera = true});
  summary.camera_alone = map(model, {.drop_lidar = true});
  summary.other_pictures = map(model, {.other_pictures = true});
  summary.uniform = NAN;
  if (!has_attention(model)) return;
  FusionModel uniform = clone(model);
  make_attention_uniform(uniform);
  summary.uniform = map(uniform, {});
}

}  // namespace

TestSummary run_test(FusionModel& model, const FusionData& data, int64_t scenes_of_condition) {
  TestSummary summary;
  summary.scenes = std::ssize(data.test);
  std::vector<Frame> mixed = detect(model, data.test, data.grid);
  summary.mixed = score(mixed);
  summary.by_range = by_range(mixed, data.grid);
  for (size_t i = 0; i < object_classes.size(); ++i) summary.precision[i] = precision_curve(mixed, object_classes[i]);

  std::vector<Scene> scenes = scenes_by_condition(data, scenes_of_condition);
  summary.scenes_of_condition = data.made ? scenes_of_condition : 0;
  std::vector<Frame> frames = data.made ? detect(model, scenes, data.grid) : mixed;
  for (Condition condition : conditions)
    summary.by_condition[static_cast<size_t>(condition)] = score(frames, condition);
  auto clear = [](const Frame& frame) { return frame.condition == Condition::clear; };
  summary.clear_by_range = by_range(frames, data.grid, clear);
  summary.evidence = find_evidence(model, scenes, data.grid);
  scenes.erase(std::remove_if(scenes.begin(), scenes.end(), [](const Scene& s) { return !alive(s); }), scenes.end());
  test_both_alive(summary, model, data.grid, scenes);

  summary.by_yaw.fill(NAN);
  summary.by_yaw[0] = summary.both;
  for (size_t i = 1; data.made && i < unknown_yaws.size(); ++i) {
    std::vector<Scene> turned;
    for (Condition condition : {Condition::clear, Condition::night, Condition::fog})
      for (Scene& scene :
           test_scenes(scenes_of_condition, {.condition = condition, .unknown_yaw_degrees = unknown_yaws[i]}))
        turned.push_back(std::move(scene));
    summary.by_yaw[i] = score(detect(model, turned, data.grid)).mean_ap();
  }
  return summary;
}

}  // namespace weft::examples::fusion
