#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

/// One row of a KITTI label or result file (object development kit, Geiger et al. 2012), in its own frames: the
/// rectified camera's x right, y down, z forward; pixels from 0.
struct KittiLabel {
  std::string type;       // Car Van Truck Pedestrian Person_sitting Cyclist Tram Misc DontCare
  double truncated = -1;  // share outside the picture, 0 to 1; -1 = not known
  int occluded = -1;      // 0 none, 1 partly, 2 largely, 3 unknown; -1 = not known
  double alpha = -10;     // observation angle
  Rectangle bbox;         // in the picture
  double height = -1, width = -1, length = -1;
  Vec3 bottom{-1000, -1000, -1000};  // centre of the lower face
  double rotation_y = -10;           // about the camera's y; 0 = faces its x
  std::optional<double> score;       // of a detection

  bool dont_care() const { return type == "DontCare"; }
};

/// The rows of a label file's text: 15 columns, and the score in a result file. `file` names it in errors. Throws
/// FormatError naming line and column for an unknown type, too few columns, what is no number, and values out of
/// range.
std::vector<KittiLabel> parse_kitti_labels(std::string_view text, const std::string& file);
/// The same from a file. Throws FileError too.
std::vector<KittiLabel> read_kitti_labels(const std::filesystem::path& path);
/// The text that `parse_kitti_labels` reads; lengths and angles have 8 decimals.
std::string kitti_label_text(const std::vector<KittiLabel>& labels);

/// `rect_from_ego` leads to the rectified camera frame. The label's bbox is the box's picture, cut at the edges;
/// without any (behind the camera) it is empty at 0.
KittiLabel label_of(const Box& box, const CameraModel& camera, const Pose& rect_from_ego);
/// Nothing for types other than Car, Pedestrian and Cyclist.
std::optional<Box> box_of(const KittiLabel& label, const Pose& rect_from_ego);

}  // namespace weft::examples::fusion
