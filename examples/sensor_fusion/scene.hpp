#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/examples/common/image.hpp>

namespace weft::examples::fusion {

// Frames, all right-handed, lengths in metres, angles in radians:
//   ego     x forward, y left, z up; the origin stands on the ground below the sensors. Points and boxes are in it.
//   camera  x right, y down, z forward; the origin is the centre of projection.
//   pixel   u right, v down; the centre of the picture's first pixel is (0, 0), as in KITTI, nuScenes and OpenCV, so
//           pixel (i, j) covers [i - 0.5, i + 0.5) x [j - 0.5, j + 0.5).
// Yaw turns counter-clockwise seen from above; a box with yaw 0 faces along x.

struct Vec3 {
  double x = 0, y = 0, z = 0;
  bool operator==(const Vec3&) const = default;
  friend Vec3 operator+(const Vec3& a, const Vec3& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend Vec3 operator-(const Vec3& a, const Vec3& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend Vec3 operator*(double s, const Vec3& a) { return {s * a.x, s * a.y, s * a.z}; }
};
inline double dot(const Vec3& a, const Vec3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline double length(const Vec3& a) { return std::sqrt(dot(a, a)); }

/// Row-major; by default the identity.
struct Mat3 {
  std::array<double, 9> m{1, 0, 0, 0, 1, 0, 0, 0, 1};
  bool operator==(const Mat3&) const = default;
  double operator()(int row, int column) const { return m[static_cast<size_t>(3 * row + column)]; }
  friend Vec3 operator*(const Mat3& a, const Vec3& v) {
    return {a.m[0] * v.x + a.m[1] * v.y + a.m[2] * v.z, a.m[3] * v.x + a.m[4] * v.y + a.m[5] * v.z,
            a.m[6] * v.x + a.m[7] * v.y + a.m[8] * v.z};
  }
  friend Mat3 operator*(const Mat3& a, const Mat3& b);
  Mat3 transposed() const { return {{m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}}; }
};

/// Where a point of one frame is in another: `rotation` * point + `translation`.
struct Pose {
  Mat3 rotation;
  Vec3 translation;
  bool operator==(const Pose&) const = default;
  Vec3 operator*(const Vec3& point) const { return rotation * point + translation; }
  /// `a` after `b`.
  friend Pose operator*(const Pose& a, const Pose& b) { return {a.rotation * b.rotation, a * b.translation}; }
  Pose inverse() const {
    Mat3 back = rotation.transposed();
    return {back, -1.0 * (back * translation)};
  }
};

struct Pixel {
  double u = 0, v = 0;
  double depth = 0;  // along the camera's z; a point with depth <= 0 is behind the camera and u, v mean nothing
};

struct Ray {
  Vec3 origin, direction;  // direction has length 1
};

/// A pinhole camera without distortion: pixel = K * (camera_from_ego * point), K = (fx skew cx; 0 fy cy; 0 0 1).
struct CameraModel {
  int64_t width = 0, height = 0;  // pixels
  double fx = 1, fy = 1, cx = 0, cy = 0, skew = 0;
  Pose camera_from_ego;
  bool operator==(const CameraModel&) const = default;

  Pixel project(const Vec3& ego_point) const;
  /// The viewing ray of a place in the picture, in the ego frame.
  Ray ray(double u, double v) const;
  /// The centre of projection in the ego frame.
  Vec3 centre() const { return camera_from_ego.inverse().translation; }
  bool inside(const Pixel& pixel) const {
    return pixel.depth > 0 && pixel.u >= -0.5 && pixel.u < static_cast<double>(width) - 0.5 && pixel.v >= -0.5 &&
           pixel.v < static_cast<double>(height) - 0.5;
  }
  /// K * camera_from_ego, row-major 3 x 4.
  std::array<double, 12> projection() const;
  /// The camera whose `projection` is the one given up to a positive factor. Throws ValueError when its left 3 x 3
  /// part is singular or turns the frame inside out.
  static CameraModel from_projection(const std::array<double, 12>& projection, int64_t width, int64_t height);
  /// The same camera with its picture stretched to another size.
  CameraModel resized(int64_t new_width, int64_t new_height) const;
};

enum class ObjectClass : uint8_t { car, pedestrian, cyclist };
constexpr std::array<ObjectClass, 3> object_classes{ObjectClass::car, ObjectClass::pedestrian, ObjectClass::cyclist};
const char* name_of(ObjectClass object);

/// KITTI's levels of occlusion: none, partly, largely, not known.
enum class Occlusion : uint8_t { none, partly, largely, unknown };

struct Box {
  ObjectClass object = ObjectClass::car;
  Vec3 centre;                               // of the volume, ego frame
  double length = 0, width = 0, height = 0;  // along the box's own x, y, z
  double yaw = 0;                            // in [-pi, pi)
  double score = 1;                          // confidence of a detection
  // What the reader or the simulator knows of how well the object was seen; -1 = not known.
  int64_t lidar_points = -1;    // returns from it in the scan (of the clear scan where weather or a fault took them)
  int64_t visible_pixels = -1;  // in the picture
  double truncation = -1;       // share of the object outside the picture
  Occlusion occlusion = Occlusion::unknown;
  bool operator==(const Box&) const = default;

  /// Distance of the centre from the ego origin on the ground.
  double range() const { return std::sqrt(centre.x * centre.x + centre.y * centre.y); }
  /// Bottom four (front left, front right, rear right, rear left), then the top four.
  std::array<Vec3, 8> corners() const;
  /// Whether the point is in the box grown by `margin` on all sides.
  bool contains(const Vec3& point, double margin = 0) const;
};

/// Of a picture, in pixels.
struct Rectangle {
  double left = 0, top = 0, right = 0, bottom = 0;
  double area() const { return right > left && bottom > top ? (right - left) * (bottom - top) : 0; }
};
/// Covers the part of the box that is before the camera; not cut at the picture's edges. Nothing when all of it is
/// behind.
std::optional<Rectangle> rectangle_of(const CameraModel& camera, const Box& box);
/// The same, cut at the picture's edges; nothing when none of it is in the picture.
std::optional<Rectangle> visible_rectangle(const CameraModel& camera, const Box& box);

/// The same angle in [-pi, pi).
double wrap_angle(double angle);

enum class Condition : uint8_t { clear, night, fog, camera_dead, lidar_dead };
constexpr std::array<Condition, 5> conditions{Condition::clear, Condition::night, Condition::fog,
                                              Condition::camera_dead, Condition::lidar_dead};
const char* name_of(Condition condition);
/// The condition of that name. Throws ValueError.
Condition condition_named(std::string_view name);

/// One moment: a LiDAR scan, a picture, how the two sensors stand to each other, and what there is to detect.
struct Scene {
  std::string id;             // number of the frame, or the sample's token
  std::vector<float> points;  // [returns, 4]: x y z in the ego frame, intensity in [0, 1]
  Vec3 lidar_origin;          // where the LiDAR stands, ego frame
  Image image;                // black when the camera is dead
  CameraModel camera;         // as it is told to the model; with unknown miscalibration the truth differs
  std::vector<Box> boxes;     // the objects to detect

  Condition condition = Condition::clear;
  double visibility = 0;  // metres in fog; 0 = no fog
  double ambient = 1;     // daylight's share; well below 1 at night

  int64_t returns() const { return static_cast<int64_t>(points.size() / 4); }
  Vec3 point(int64_t i) const {
    const float* p = points.data() + 4 * i;
    return {p[0], p[1], p[2]};
  }
};

/// Stretches the scene's picture (each pixel the mean of what it covers, or bilinear when it grows) and its camera to
/// one size, so that scenes of differing cameras fit one batch.
void resize_picture(Scene& scene, int64_t width, int64_t height);

/// Sets every box's `lidar_points` to the returns in it.
void count_lidar_points(Scene& scene);

}  // namespace weft::examples::fusion
