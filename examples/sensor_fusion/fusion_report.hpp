#pragma once

#include <filesystem>
#include <vector>

#include <weft/examples/sensor_fusion/test_run.hpp>
#include <weft/examples/sensor_fusion/training.hpp>

namespace weft::examples::fusion {

/// Everything that a finished run says of itself.
struct RunSummary {
  TrainingOptions options = {};
  ModelOptions model = {};
  FitResult training = {};
  TestSummary test = {};
  double minutes = 0;  ///< all in all
  int64_t parameters = 0;
};

/// How many scenes `run_test` should make of each condition.
int64_t scenes_of_condition(const FusionData& data);

/// metrics.json: mAP in all, by condition, by range, by unknown yaw, with sensors taken away; evidence; flags.
void write_metrics(const std::filesystem::path& path, const FusionData& data, const RunSummary& summary);

/// report.html: tables and charts of the same, and one scene in every condition.
void write_report(const std::filesystem::path& path, FusionModel& model, const FusionData& data,
                  const RunSummary& summary);

/// Draws test scene `index` (below 0: one with a distant pedestrian or cyclist) as the model sees it, in every
/// condition where the world can be made again: <condition>.png in `folder`. Gives the files' paths.
std::vector<std::filesystem::path> write_frames(const std::filesystem::path& folder, FusionModel& model,
                                                const FusionData& data, int64_t index);

}  // namespace weft::examples::fusion
