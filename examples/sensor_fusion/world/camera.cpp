#include <weft/examples/sensor_fusion/world/camera.hpp>

#include <algorithm>
#include <cmath>

namespace weft::examples::fusion::world {
namespace {

struct Rectangle {
  double left = no_hit, top = no_hit, right = -no_hit, bottom = -no_hit;
  double area() const { return std::max(0.0, right - left) * std::max(0.0, bottom - top); }
};

/// Covers the solid's picture; infinite when part of the solid is behind the camera.
Rectangle rectangle_of(const Solid& solid, const CameraModel& camera) {
  Rectangle r;
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 own{corner & 1 ? solid.length / 2 : -solid.length / 2, corner & 2 ? solid.width / 2 : -solid.width / 2, 0};
    if (solid.shape == Solid::Shape::cylinder) own.y = corner & 2 ? solid.length / 2 : -solid.length / 2;
    Vec3 turned = solid.to_ego(own);
    Pixel p = camera.project({solid.x + turned.x, solid.y + turned.y, corner & 4 ? solid.height : 0});
    if (p.depth < 0.1) return {-no_hit, -no_hit, no_hit, no_hit};
    r = {std::min(r.left, p.u), std::min(r.top, p.v), std::max(r.right, p.u), std::max(r.bottom, p.v)};
  }
  return r;
}

/// The first of `count` samples at or after the pixel coordinate; samples of pixel i are at i - 0.25 and i + 0.25.
int64_t first_sample(double pixel, int64_t count) {
  return static_cast<int64_t>(std::clamp(std::ceil(2 * (pixel + 0.25)), 0.0, static_cast<double>(count)));
}

}  // namespace

SampleRays::SampleRays(const CameraModel& camera) : origin(camera.centre()) {
  Mat3 ego_from_camera = camera.camera_from_ego.rotation.transposed();
  auto at = [&](double u, double v) {
    double y = (v - camera.cy) / camera.fy;
    return ego_from_camera * Vec3{(u - camera.cx - camera.skew * y) / camera.fx, y, 1};
  };
  corner = at(-0.25, -0.25);
  across = at(0.25, -0.25) - corner;
  down = at(-0.25, 0.25) - corner;
}

Visibility look(const Layout& layout) {
  const CameraModel& camera = layout.camera;
  Visibility v;
  v.columns = 2 * camera.width;
  v.rows = 2 * camera.height;
  v.depth.assign(static_cast<size_t>(v.columns * v.rows), std::numeric_limits<float>::infinity());
  v.solid.assign(static_cast<size_t>(v.columns * v.rows), -1);
  v.whole.assign(layout.solids.size(), 0);
  v.seen = v.whole;
  SampleRays rays(camera);
  for (size_t i = 0; i < layout.solids.size(); ++i) {
    const Solid& solid = layout.solids[i];
    Rectangle r = rectangle_of(solid, camera);
    double right = static_cast<double>(camera.width) - 0.5, bottom = static_cast<double>(camera.height) - 0.5;
    Rectangle shown{std::max(r.left, -0.5), std::max(r.top, -0.5), std::min(r.right, right),
                    std::min(r.bottom, bottom)};
    v.truncation.push_back(r.right < no_hit && r.area() > 0 ? 1 - shown.area() / r.area() : 0.5);
    Vec3 origin = solid.to_own(rays.origin), corner = solid.direction_to_own(rays.corner),
         across = solid.direction_to_own(rays.across), down = solid.direction_to_own(rays.down);
    int64_t end_row = first_sample(r.bottom, v.rows), end_column = first_sample(r.right, v.columns);
    for (int64_t row = first_sample(r.top, v.rows); row < end_row; ++row) {
      Vec3 start = corner + static_cast<double>(row) * down;
      for (int64_t column = first_sample(r.left, v.columns); column < end_column; ++column) {
        double depth = enter(solid, origin, start + static_cast<double>(column) * across);
        if (depth == no_hit) continue;
        ++v.whole[i];
        size_t at = static_cast<size_t>(row * v.columns + column);
        if (static_cast<float>(depth) >= v.depth[at]) continue;
        v.depth[at] = static_cast<float>(depth);
        v.solid[at] = static_cast<int16_t>(i);
      }
    }
  }
  for (int16_t solid : v.solid)
    if (solid >= 0) ++v.seen[static_cast<size_t>(solid)];
  return v;
}

}  // namespace weft::examples::fusion::world
