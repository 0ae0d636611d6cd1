#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/sensor_fusion/kitti_calibration.hpp>
#include <weft/examples/sensor_fusion/kitti_labels.hpp>
#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

// The KITTI object layout: <root>/{training,testing}/{velodyne/%06d.bin, image_2/%06d.png, calib/%06d.txt,
// label_2/%06d.txt}, and <root>/ImageSets/<split>.txt listing frames of training (or, for `test`, testing).
// What KITTI has no place for - condition, fog, counts of returns and pixels - may stand in facts/%06d.json; sets
// without it load as clear.

/// The height of KITTI's velodyne above the road: its frame lies this much above the ego frame, rounded to 2^-12 m.
constexpr double kitti_lidar_height = 1.73;

/// The frames of one split, read one by one when asked for.
class KittiSet {
 public:
  /// `split` is `training`, `testing`, or the name of a list in ImageSets. Throws FileError when the folder or list is
  /// missing, FormatError when a list names no frame.
  KittiSet(const std::filesystem::path& root, const std::string& split);

  int64_t size() const { return static_cast<int64_t>(frames_.size()); }
  const std::string& frame(int64_t index) const { return frames_[static_cast<size_t>(index)]; }

  /// Points, picture, camera and the boxes of cars, pedestrians and cyclists, in the ego frame. Frames of `testing`
  /// have no boxes. May be called from several threads. Throws FileError for a missing file and FormatError, naming
  /// file and field, for a malformed one.
  Scene scene(int64_t index) const;
  /// All rows of the frame's label file, for evaluation. Empty where the set has no labels.
  std::vector<KittiLabel> labels(int64_t index) const;
  KittiCalibration calibration(int64_t index) const;

 private:
  std::filesystem::path file(const char* folder, int64_t index, const char* extension) const;
  std::filesystem::path folder_;
  bool labelled_ = false;
  std::vector<std::string> frames_;
};

/// All frames of a split, read on several threads.
std::vector<Scene> load_kitti(const std::filesystem::path& root, const std::string& split = "training");

/// Writes the scenes as <root>/<split>, each under its `id` when it consists of six digits and under its place in the
/// list otherwise, on several threads. Reading them back gives the same points to the bit when their z and that of the
/// LiDAR are multiples of 2^-12 m (as the simulator's are), corners of boxes to 1e-6 m, and all facts. Throws
/// FileError; ValueError when two scenes have the same id.
void write_kitti(const std::filesystem::path& root, const std::vector<Scene>& scenes,
                 const std::string& split = "training");

/// Boxes of a scene as label rows in the frames of `calibration`, with their scores when `scored`.
std::vector<KittiLabel> kitti_labels_of(const std::vector<Box>& boxes, const Scene& scene,
                                        const KittiCalibration& calibration, bool scored = false);

/// Writes detections as a KITTI result file: label rows with a score, in the frames of `calibration` (that of
/// `KittiSet::calibration`, or of `kitti_calibration_of` for scenes that never were files). Throws FileError.
void write_kitti_results(const std::filesystem::path& path, const std::vector<Box>& detections, const Scene& scene,
                         const KittiCalibration& calibration);

}  // namespace weft::examples::fusion
