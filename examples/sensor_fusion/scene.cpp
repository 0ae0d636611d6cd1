#include <weft/examples/sensor_fusion/scene.hpp>

#include <algorithm>
#include <limits>
#include <numbers>
#include <utility>

#include <weft/core/error.hpp>
#include <weft/examples/common/picture.hpp>

namespace weft::examples::fusion {

Mat3 operator*(const Mat3& a, const Mat3& b) {
  Mat3 product;
  for (size_t row = 0; row < 3; ++row)
    for (size_t column = 0; column < 3; ++column)
      product.m[3 * row + column] =
          a.m[3 * row] * b.m[column] + a.m[3 * row + 1] * b.m[3 + column] + a.m[3 * row + 2] * b.m[6 + column];
  return product;
}

Pixel CameraModel::project(const Vec3& ego_point) const {
  Vec3 p = camera_from_ego * ego_point;
  if (p.z == 0) return {0, 0, 0};
  return {(fx * p.x + skew * p.y) / p.z + cx, fy * p.y / p.z + cy, p.z};
}

Ray CameraModel::ray(double u, double v) const {
  double y = (v - cy) / fy, x = (u - cx - skew * y) / fx;
  Vec3 direction = camera_from_ego.rotation.transposed() * Vec3{x, y, 1};
  return {centre(), 1 / length(direction) * direction};
}

std::array<double, 12> CameraModel::projection() const {
  Mat3 left = Mat3{{fx, skew, cx, 0, fy, cy, 0, 0, 1}} * camera_from_ego.rotation;
  Vec3 right = Mat3{{fx, skew, cx, 0, fy, cy, 0, 0, 1}} * camera_from_ego.translation;
  return {left.m[0], left.m[1], left.m[2], right.x,   left.m[3], left.m[4],
          left.m[5], right.y,   left.m[6], left.m[7], left.m[8], right.z};
}

// The left part is K * R with R orthonormal: its last row is R's, and Gram-Schmidt upwards gives the rest (RQ
// decomposition; Hartley and Zisserman, Multiple View Geometry, A4.1.1).
CameraModel CameraModel::from_projection(const std::array<double, 12>& p, int64_t width, int64_t height) {
  Vec3 a{p[0], p[1], p[2]}, b{p[4], p[5], p[6]}, c{p[8], p[9], p[10]};
  auto singular = [] { return ValueError("projection: expected a left 3 x 3 part that can be inverted"); };
  double scale = length(c);
  if (!(scale > 0)) throw singular();
  Vec3 r3 = 1 / scale * c;
  double cy = dot(b, r3);
  Vec3 rest = b - cy * r3;
  double fy = length(rest);
  if (!(fy > 1e-12 * length(b))) throw singular();
  Vec3 r2 = 1 / fy * rest;
  double cx = dot(a, r3), skew = dot(a, r2);
  rest = a - cx * r3 - skew * r2;
  double fx = length(rest);
  if (!(fx > 1e-12 * length(a))) throw singular();
  Vec3 r1 = 1 / fx * rest;
  if (dot(r1, {r2.y * r3.z - r2.z * r3.y, r2.z * r3.x - r2.x * r3.z, r2.x * r3.y - r2.y * r3.x}) < 0)
    throw ValueError("projection: expected a camera that does not mirror, got one of negative determinant");
  CameraModel camera;
  camera.width = width;
  camera.height = height;
  camera.fx = fx / scale;
  camera.fy = fy / scale;
  camera.cx = cx / scale;
  camera.cy = cy / scale;
  camera.skew = skew / scale;
  camera.camera_from_ego.rotation = {{r1.x, r1.y, r1.z, r2.x, r2.y, r2.z, r3.x, r3.y, r3.z}};
  double z = p[11] / scale, y = (p[7] - cy * z) / fy;
  camera.camera_from_ego.translation = {(p[3] - skew * y - cx * z) / fx, y, z};
  return camera;
}

CameraModel CameraModel::resized(int64_t new_width, int64_t new_height) const {
  double across = static_cast<double>(new_width) / static_cast<double>(width);
  double down = static_cast<double>(new_height) / static_cast<double>(height);
  CameraModel camera = *this;
  camera.width = new_width;
  camera.height = new_height;
  camera.fx *= across;
  camera.skew *= across;
  camera.fy *= down;
  camera.cx = (cx + 0.5) * across - 0.5;
  camera.cy = (cy + 0.5) * down - 0.5;
  return camera;
}

const char* name_of(ObjectClass object) {
  switch (object) {
    case ObjectClass::car: return "car";
    case ObjectClass::pedestrian: return "pedestrian";
    case ObjectClass::cyclist: return "cyclist";
  }
  __builtin_unreachable();
}

const char* name_of(Condition condition) {
  switch (condition) {
    case Condition::clear: return "clear";
    case Condition::night: return "night";
    case Condition::fog: return "fog";
    case Condition::camera_dead: return "camera_dead";
    case Condition::lidar_dead: return "lidar_dead";
  }
  __builtin_unreachable();
}

Condition condition_named(std::string_view name) {
  for (Condition condition : conditions)
    if (name == name_of(condition)) return condition;
  throw ValueError("condition: expected clear, night, fog, camera_dead or lidar_dead, got " + std::string(name));
}

std::array<Vec3, 8> Box::corners() const {
  constexpr std::array<std::array<double, 2>, 4> signs{{{1, 1}, {1, -1}, {-1, -1}, {-1, 1}}};
  double c = std::cos(yaw), s = std::sin(yaw);
  std::array<Vec3, 8> corners;
  for (size_t i = 0; i < 8; ++i) {
    double x = signs[i % 4][0] * length / 2, y = signs[i % 4][1] * width / 2;
    corners[i] = centre + Vec3{c * x - s * y, s * x + c * y, i < 4 ? -height / 2 : height / 2};
  }
  return corners;
}

bool Box::contains(const Vec3& point, double margin) const {
  Vec3 d = point - centre;
  double c = std::cos(yaw), s = std::sin(yaw);
  return std::abs(c * d.x + s * d.y) <= length / 2 + margin && std::abs(c * d.y - s * d.x) <= width / 2 + margin &&
         std::abs(d.z) <= height / 2 + margin;
}

std::optional<Rectangle> rectangle_of(const CameraModel& camera, const Box& box) {
  constexpr double nearest = 0.1;  // metres; edges are cut there, as what is behind has no picture
  constexpr double infinite = std::numeric_limits<double>::infinity();
  auto corners = box.corners();
  Rectangle r{infinite, infinite, -infinite, -infinite};
  auto add = [&](const Vec3& p) {
    Pixel pixel = camera.project(p);
    r = {std::min(r.left, pixel.u), std::min(r.top, pixel.v), std::max(r.right, pixel.u), std::max(r.bottom, pixel.v)};
  };
  std::array<double, 8> depth;
  for (size_t i = 0; i < 8; ++i) {
    depth[i] = (camera.camera_from_ego * corners[i]).z;
    if (depth[i] >= nearest) add(corners[i]);
  }
  for (size_t i = 0; i < 4; ++i)
    for (auto [a, b] : {std::pair{i, (i + 1) % 4}, {i + 4, (i + 1) % 4 + 4}, {i, i + 4}})
      if ((depth[a] < nearest) != (depth[b] < nearest))
        add(corners[a] + (nearest - depth[a]) / (depth[b] - depth[a]) * (corners[b] - corners[a]));
  if (r.right < r.left) return std::nullopt;
  return r;
}

std::optional<Rectangle> visible_rectangle(const CameraModel& camera, const Box& box) {
  std::optional<Rectangle> r = rectangle_of(camera, box);
  if (!r) return r;
  double right = static_cast<double>(camera.width) - 0.5, bottom = static_cast<double>(camera.height) - 0.5;
  Rectangle cut{std::max(r->left, -0.5), std::max(r->top, -0.5), std::min(r->right, right),
                std::min(r->bottom, bottom)};
  if (cut.area() <= 0) return std::nullopt;
  return cut;
}

double wrap_angle(double angle) {
  constexpr double turn = 2 * std::numbers::pi;
  double wrapped = angle - turn * std::floor((angle + std::numbers::pi) / turn);
  return wrapped >= std::numbers::pi ? wrapped - turn : wrapped;
}

void resize_picture(Scene& scene, int64_t width, int64_t height) {
  const Image& old = scene.image;
  if (width < 1 || height < 1)
    throw ValueError("resize_picture: expected a size of at least 1 x 1, got " + std::to_string(width) + " x " +
                     std::to_string(height));
  if (old.width < 1 || old.height < 1) throw ValueError("resize_picture: the scene has no picture");
  scene.camera = scene.camera.resized(width, height);
  scene.image = resize(old, width, height);
}

void count_lidar_points(Scene& scene) {
  for (Box& box : scene.boxes) {
    box.lidar_points = 0;
    double radius = std::max(box.length, box.width);  // most points are far off: no need to turn them
    for (int64_t i = 0; i < scene.returns(); ++i) {
      Vec3 p = scene.point(i);
      if (std::abs(p.x - box.centre.x) <= radius && std::abs(p.y - box.centre.y) <= radius)
        box.lidar_points += box.contains(p);
    }
  }
}

}  // namespace weft::examples::fusion
