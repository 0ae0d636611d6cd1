#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <weft/examples/sensor_fusion/kitti_labels.hpp>

namespace weft::examples::fusion {

// Average precision as KITTI's object development kit computes it (evaluate_object.cpp; Geiger et al. 2012):
//   - A detection matches an object of its class whose overlap is above 0.7 for cars, 0.5 for pedestrians and cyclists.
//   - Objects that are too low in the picture, too occluded or too truncated for a difficulty, vans when cars are
//     asked for, and sitting persons when pedestrians are, are ignored: missing them costs nothing, and neither does
//     finding them. Detections that are too low are ignored likewise, and those in a DontCare region of the picture,
//     as far as overlap in the picture is asked for.
//   - Precision is taken at up to 41 scores, at which recall comes nearest to 0, 1/40, ..., 1, and made non-increasing.
// Objects of other types count as background.

enum class KittiMetric : uint8_t { picture, ground, volume };  ///< 2-D, bird's eye view, 3-D
constexpr std::array<KittiMetric, 3> kitti_metrics{KittiMetric::picture, KittiMetric::ground, KittiMetric::volume};
const char* name_of(KittiMetric metric);

/// Lowest height in the picture 40, 25, 25 pixels; highest occlusion 0, 1, 2; highest truncation 0.15, 0.3, 0.5.
enum class KittiDifficulty : uint8_t { easy, moderate, hard };
constexpr std::array<KittiDifficulty, 3> kitti_difficulties{KittiDifficulty::easy, KittiDifficulty::moderate,
                                                            KittiDifficulty::hard};
const char* name_of(KittiDifficulty difficulty);

/// The rows of a label file and of a result file (with scores).
struct KittiFrame {
  std::span<const KittiLabel> truth, found;
};

/// Precision at recalls k / 40; 0 beyond the recall that was reached.
struct KittiCurve {
  int64_t objects = 0;  ///< that count: recall's whole
  std::array<double, 41> precision{};

  /// In per cent: the mean over recalls 0, 1/10, ..., 1 (official until 2019), and over 1/40, 2/40, ..., 1 (since).
  /// NaN without objects.
  double r11() const;
  double r40() const;
};

/// All frames together. Throws ValueError for a detection without score.
KittiCurve kitti_curve(std::span<const KittiFrame> frames, ObjectClass object, KittiMetric metric,
                       KittiDifficulty difficulty);

/// Whether a labelled object counts at a difficulty; its type is not looked at.
bool counts_at(const KittiLabel& truth, KittiDifficulty difficulty);

/// [class][metric][difficulty]
using KittiResult = std::array<std::array<std::array<KittiCurve, 3>, 3>, 3>;
KittiResult evaluate_kitti(std::span<const KittiFrame> frames);

}  // namespace weft::examples::fusion
