#pragma once

#include <array>
#include <vector>

#include <weft/examples/sensor_fusion/evaluation.hpp>
#include <weft/examples/sensor_fusion/evidence.hpp>

namespace weft::examples::fusion {

constexpr std::array<double, 4> unknown_yaws{0, 1, 2, 4};  // degrees

/// Everything that is measured of a trained model. mAP from 0 to 1; NaN where there is nothing to measure.
struct TestSummary {
  NuScenesResult mixed;  ///< the test scenes as they come
  std::array<NuScenesResult, 3> by_range;
  std::array<PrecisionRecall, object_classes.size()> precision;  ///< of a class, at 2 m
  /// The same scenes in each condition, where the world can be made again; else those of the test scenes.
  std::array<NuScenesResult, conditions.size()> by_condition;
  std::array<NuScenesResult, 3> clear_by_range;  ///< in clear weather

  // With both sensors alive: clear, night and fog alike.
  double both = 0, lidar_alone = 0, camera_alone = 0;  ///< as they are, and with one sensor taken away: mAP
  std::array<NuScenesResult, 3> both_by_range;
  double other_pictures = 0;                         ///< the pictures belong to other scenes
  double uniform = 0;                                ///< every cell looks at all tokens alike
  std::array<double, unknown_yaws.size()> by_yaw{};  ///< the camera turned, and the model is not told
  Evidence evidence;
  int64_t scenes = 0, scenes_of_condition = 0;
};

/// The number of scenes for each condition and each turn of the camera.
TestSummary run_test(FusionModel& model, const FusionData& data, int64_t scenes_of_condition);

}  // namespace weft::examples::fusion
