#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include <weft/examples/sensor_fusion/data.hpp>
#include <weft/examples/sensor_fusion/model.hpp>
#include <weft/examples/sensor_fusion/nuscenes_ap.hpp>

namespace weft::examples::fusion {

/// What a scene holds and what was found in it.
struct Frame {
  Condition condition = Condition::clear;
  std::vector<Box> truth, found;
};

struct DetectOptions {
  bool other_pictures = false;                   ///< the picture of the next scene of the batch: the wrong one
  bool drop_camera = false, drop_lidar = false;  ///< take a sensor from every scene
};

/// Detections in scenes, in evaluation mode; the model is put back into training mode.
std::vector<Frame> detect(FusionModel& model, const std::vector<Scene>& scenes, const BevGrid& grid,
                          const DetectOptions& options = {});

/// Metres from the car: [nearest, farthest).
struct RangeBand {
  double nearest = 0, farthest = INFINITY;
};
/// 0-12 m, 12-24 m and beyond for the usual grid of 32 m; others in proportion.
std::array<RangeBand, 3> range_bands(const BevGrid& grid);

/// Of the frames in which `keep` is true (all when empty), with objects and detections of one band of range.
NuScenesResult score(const std::vector<Frame>& frames, const std::function<bool(const Frame&)>& keep = nullptr,
                     const RangeBand& band = {});
/// Of the frames of one condition.
NuScenesResult score(const std::vector<Frame>& frames, Condition condition);

/// Of a class in all frames, matches within 2 m.
PrecisionRecall precision_curve(const std::vector<Frame>& frames, ObjectClass object);

}  // namespace weft::examples::fusion
