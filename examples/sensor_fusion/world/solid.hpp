#pragma once

#include <cstdint>
#include <limits>

#include <weft/examples/sensor_fusion/scene.hpp>
#include <weft/examples/sensor_fusion/world/appearance.hpp>

namespace weft::examples::fusion::world {

/// A box, or an upright cylinder as wide as its `length`, standing on the ground.
struct Solid {
  enum class Shape : uint8_t { box, cylinder };
  Shape shape = Shape::box;
  double x = 0, y = 0;                       // centre on the ground, ego frame
  double cos_yaw = 1, sin_yaw = 0;           // its own x axis in the ego frame
  double length = 1, width = 1, height = 1;  // along its own x, y, z
  Look look;
  double reflectivity = 0.5;  // of the LiDAR's light

  /// From the ego frame to the solid's own: origin at the centre of its base.
  Vec3 direction_to_own(const Vec3& d) const {
    return {cos_yaw * d.x + sin_yaw * d.y, cos_yaw * d.y - sin_yaw * d.x, d.z};
  }
  Vec3 to_own(const Vec3& p) const { return direction_to_own({p.x - x, p.y - y, p.z}); }
  /// An own direction, such as a normal, in the ego frame.
  Vec3 to_ego(const Vec3& d) const { return {cos_yaw * d.x - sin_yaw * d.y, sin_yaw * d.x + cos_yaw * d.y, d.z}; }
  /// Radius of a circle on the ground that covers it.
  double radius() const;
};

constexpr double no_hit = std::numeric_limits<double>::infinity();

/// The smallest t > 0 at which origin + t * direction, both in the solid's own frame, enters the solid; `no_hit` when
/// the ray misses it or starts inside.
double enter(const Solid& solid, const Vec3& origin, const Vec3& direction);

/// The face that a point on the surface (own frame) lies on, and the outward normal there (own frame).
struct SurfacePoint {
  Face face;
  Vec3 normal;
};
SurfacePoint surface_at(const Solid& solid, const Vec3& point);

}  // namespace weft::examples::fusion::world
