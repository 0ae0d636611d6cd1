#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

/// How KITTI's frames lie to each other: pixel = p2 * (rect_from_reference * reference_from_velodyne * point).
struct KittiCalibration {
  std::array<double, 12> p2{};   // [3, 4] row-major; left colour camera, of the rectified frame
  Mat3 rect_from_reference;      // R0_rect
  Pose reference_from_velodyne;  // Tr_velo_to_cam

  Pose rect_from_velodyne() const { return Pose{rect_from_reference, {}} * reference_from_velodyne; }
  /// The camera as seen from the velodyne frame.
  CameraModel camera(int64_t width, int64_t height) const;
};

/// Reads a calib file's text. The names of the object, tracking and raw sets are taken (R0_rect, R_rect, R_rect_00;
/// Tr_velo_to_cam, Tr_velo_cam; P2, P_rect_02), with or without a colon; other lines, which may be empty, are not
/// looked at. `file` names it in errors. Throws FormatError for a matrix that is missing, of the wrong size, or no
/// rotation where one is due.
KittiCalibration parse_kitti_calibration(std::string_view text, const std::string& file);
/// The same from a file. Throws FileError too.
KittiCalibration read_kitti_calibration(const std::filesystem::path& path);
/// The lines P0 to P3 (all of them p2), R0_rect, Tr_velo_to_cam, and Tr_imu_to_velo as the identity.
std::string kitti_calibration_text(const KittiCalibration& calibration);

/// The calibration that a camera of the ego frame has in KITTI's terms, the velodyne frame lying `lidar_height` above
/// the ego frame. KITTI's boxes stand upright in the rectified frame, so that frame is laid level here and p2 carries
/// the camera's pitch and roll. Throws ValueError for a camera that looks straight up or down.
KittiCalibration kitti_calibration_of(const CameraModel& camera, double lidar_height);

}  // namespace weft::examples::fusion
