#pragma once

#include <array>
#include <span>
#include <vector>

#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

// The detection measure of nuScenes (Caesar et al. 2020, section 3.1; eval/detection/algo.py of its development kit).
// A detection matches the nearest object of its class whose centre on the ground is nearer than a distance and that no
// detection of higher confidence has matched.

/// What a scene holds and what was found in it.
struct DetectionFrame {
  std::span<const Box> truth, found;
};

constexpr std::array<double, 4> nuscenes_distances{0.5, 1, 2, 4};

/// How precision falls as recall rises. Point i belongs to recall i / 100; beyond the recall that was reached,
/// precision and confidence are 0.
struct PrecisionRecall {
  int64_t objects = 0, detections = 0;
  std::array<double, 101> precision{}, confidence{};
  std::array<double, 101> centre_error{};  ///< metres; running mean over the matches of at least that confidence

  /// Mean of max(precision - 0.1, 0) over the recalls above 0.1, divided by 0.9. NaN without objects (where the
  /// development kit says 0), so that a class that a subset lacks does not count.
  double average_precision() const;
  /// Mean of `centre_error` over the recalls above 0.1 that were reached; 1 when there is none, NaN without objects.
  double mean_centre_error() const;
};

/// All frames together; of equal scores, the detection that comes last counts as the more confident, as there.
PrecisionRecall nuscenes_curve(std::span<const DetectionFrame> frames, ObjectClass object, double distance);

struct NuScenesResult {
  std::array<std::array<double, 4>, 3> ap{};  ///< [class, distance], 0 to 1
  std::array<double, 3> centre_error{};       ///< [class], of the matches within 2 m

  /// Mean over the distances; NaN for a class without objects.
  double ap_of(ObjectClass object) const;
  /// mAP and mATE: means over the classes that have objects; NaN when none has.
  double mean_ap() const;
  double mean_centre_error() const;
};

NuScenesResult evaluate_nuscenes(std::span<const DetectionFrame> frames);

/// The boxes whose centre is at least `nearest` and less than `farthest` metres away on the ground. A breakdown by
/// range cuts truth and detections alike.
std::vector<Box> boxes_in_range(std::span<const Box> boxes, double nearest, double farthest);

}  // namespace weft::examples::fusion
