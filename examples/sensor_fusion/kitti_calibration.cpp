#include <weft/examples/sensor_fusion/kitti_calibration.hpp>

#include <cmath>
#include <initializer_list>
#include <vector>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/sensor_fusion/text_fields.hpp>

namespace weft::examples::fusion {
namespace {

std::string_view without_colon(std::string_view name) {
  return !name.empty() && name.back() == ':' ? name.substr(0, name.size() - 1) : name;
}

/// The numbers of the first line that has one of the names.
std::vector<double> matrix(const std::vector<TextLine>& lines, std::initializer_list<std::string_view> names,
                           size_t count, const std::string& file) {
  for (std::string_view name : names)
    for (const TextLine& line : lines) {
      if (without_colon(line.fields[0]) != name) continue;
      if (line.fields.size() != count + 1)
        throw FormatError(
            fmt::format("{}: {}: expected {} numbers, got {}", line.source, name, count, line.fields.size() - 1));
      std::vector<double> values;
      for (size_t i = 1; i <= count; ++i) values.push_back(number_of(line.fields[i], line.source, name));
      return values;
    }
  throw FormatError(fmt::format("{}: {}: expected a line of that name, got none", file, *names.begin()));
}

void check_rotation(const Mat3& r, const std::string& file, std::string_view name) {
  Mat3 square = r * r.transposed();
  double off = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) off = std::max(off, std::abs(square(i, j) - (i == j)));
  double turn = r.m[0] * (r.m[4] * r.m[8] - r.m[5] * r.m[7]) - r.m[1] * (r.m[3] * r.m[8] - r.m[5] * r.m[6]) +
                r.m[2] * (r.m[3] * r.m[7] - r.m[4] * r.m[6]);
  if (off > 1e-3 || turn < 0)
    throw FormatError(fmt::format("{}: {}: expected a rotation, got a matrix that is off by {:.3g}", file, name,
                                  turn < 0 ? 2.0 : off));
}

}  // namespace

CameraModel KittiCalibration::camera(int64_t width, int64_t height) const {
  Pose pose = rect_from_velodyne();
  const Mat3& r = pose.rotation;
  const Vec3& t = pose.translation;
  std::array<double, 12> p;
  for (size_t row = 0; row < 3; ++row) {
    const double* a = p2.data() + 4 * row;
    for (size_t column = 0; column < 3; ++column)
      p[4 * row + column] = a[0] * r.m[column] + a[1] * r.m[3 + column] + a[2] * r.m[6 + column];
    p[4 * row + 3] = a[0] * t.x + a[1] * t.y + a[2] * t.z + a[3];
  }
  return CameraModel::from_projection(p, width, height);
}

KittiCalibration parse_kitti_calibration(std::string_view text, const std::string& file) {
  std::vector<TextLine> lines = text_lines(text, file);
  KittiCalibration calibration;
  std::vector<double> p2 = matrix(lines, {"P2", "P_rect_02"}, 12, file);
  std::copy(p2.begin(), p2.end(), calibration.p2.begin());
  std::vector<double> r0 = matrix(lines, {"R0_rect", "R_rect", "R_rect_00"}, 9, file);
  std::copy(r0.begin(), r0.end(), calibration.rect_from_reference.m.begin());
  check_rotation(calibration.rect_from_reference, file, "R0_rect");
  std::vector<double> tr = matrix(lines, {"Tr_velo_to_cam", "Tr_velo_cam"}, 12, file);
  calibration.reference_from_velodyne = {{{tr[0], tr[1], tr[2], tr[4], tr[5], tr[6], tr[8], tr[9], tr[10]}},
                                         {tr[3], tr[7], tr[11]}};
  check_rotation(calibration.reference_from_velodyne.rotation, file, "Tr_velo_to_cam");
  try {
    calibration.camera(1, 1);
  } catch (const ValueError& error) { throw FormatError(file + ": P2: " + error.what()); }
  return calibration;
}

KittiCalibration read_kitti_calibration(const std::filesystem::path& path) {
  return parse_kitti_calibration(read_file(path.string()), short_name(path.string()));
}

std::string kitti_calibration_text(const KittiCalibration& calibration) {
  const Mat3& r = calibration.reference_from_velodyne.rotation;
  const Vec3& t = calibration.reference_from_velodyne.translation;
  std::array<double, 12> tr{r.m[0], r.m[1], r.m[2], t.x, r.m[3], r.m[4], r.m[5], t.y, r.m[6], r.m[7], r.m[8], t.z};
  std::string text;
  for (const char* name : {"P0", "P1", "P2", "P3"})
    text += fmt::format("{}: {:.12e}\n", name, fmt::join(calibration.p2, " "));
  text += fmt::format("R0_rect: {:.12e}\n", fmt::join(calibration.rect_from_reference.m, " "));
  text += fmt::format("Tr_velo_to_cam: {:.12e}\n", fmt::join(tr, " "));
  text += fmt::format("Tr_imu_to_velo: {:.12e}\n",
                      fmt::join(std::array<double, 12>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, " "));
  return text;
}

KittiCalibration kitti_calibration_of(const CameraModel& camera, double lidar_height) {
  Vec3 ahead = camera.camera_from_ego.rotation.transposed() * Vec3{0, 0, 1};
  double level = std::sqrt(ahead.x * ahead.x + ahead.y * ahead.y);
  if (level < 1e-3)
    throw ValueError("kitti_calibration_of: expected a camera that looks ahead, got one looking up or down");
  double c = ahead.x / level, s = ahead.y / level;
  Mat3 rect_from_ego{{s, -c, 0, 0, 0, -1, c, s, 0}};
  KittiCalibration calibration;
  calibration.reference_from_velodyne = {rect_from_ego, rect_from_ego * (Vec3{0, 0, lidar_height} - camera.centre())};
  CameraModel seen = camera;
  seen.camera_from_ego = {camera.camera_from_ego.rotation * rect_from_ego.transposed(), {}};
  calibration.p2 = seen.projection();
  return calibration;
}

}  // namespace weft::examples::fusion
