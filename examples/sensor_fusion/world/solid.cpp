#include <weft/examples/sensor_fusion/world/solid.hpp>

#include <algorithm>
#include <cmath>

namespace weft::examples::fusion::world {
namespace {

/// The part of the ray between two planes at `low` and `high`.
struct Span {
  double begin = -no_hit, end = no_hit;
  void cut(double origin, double direction, double low, double high) {
    if (direction == 0) {
      if (origin < low || origin > high) end = -no_hit;
      return;
    }
    double a = (low - origin) / direction, b = (high - origin) / direction;
    begin = std::max(begin, std::min(a, b));
    end = std::min(end, std::max(a, b));
  }
};

}  // namespace

double Solid::radius() const {
  return shape == Shape::cylinder ? length / 2 : std::sqrt(length * length + width * width) / 2;
}

double enter(const Solid& solid, const Vec3& o, const Vec3& d) {
  Span span;
  span.cut(o.z, d.z, 0, solid.height);
  if (solid.shape == Solid::Shape::box) {
    span.cut(o.x, d.x, -solid.length / 2, solid.length / 2);
    span.cut(o.y, d.y, -solid.width / 2, solid.width / 2);
  } else {
    double r = solid.length / 2, a = d.x * d.x + d.y * d.y, b = o.x * d.x + o.y * d.y,
           c = o.x * o.x + o.y * o.y - r * r;
    double root = b * b - a * c;
    if (root < 0) return no_hit;
    if (a > 0) {
      root = std::sqrt(root);
      span.begin = std::max(span.begin, (-b - root) / a);
      span.end = std::min(span.end, (-b + root) / a);
    } else if (c > 0) {
      return no_hit;
    }
  }
  return span.begin > 0 && span.begin <= span.end ? span.begin : no_hit;
}

SurfacePoint surface_at(const Solid& solid, const Vec3& p) {
  // The plane that the point is least off is the one it lies on.
  double top = std::abs(solid.height - p.z);
  if (solid.shape == Solid::Shape::cylinder) {
    double r = std::sqrt(p.x * p.x + p.y * p.y);
    if (top < std::abs(solid.length / 2 - r)) return {Face::top, {0, 0, 1}};
    return {Face::round, {p.x / r, p.y / r, 0}};
  }
  double front = std::abs(solid.length / 2 - std::abs(p.x)), side = std::abs(solid.width / 2 - std::abs(p.y));
  if (top < front && top < side) return {Face::top, {0, 0, 1}};
  if (front < side) return p.x > 0 ? SurfacePoint{Face::front, {1, 0, 0}} : SurfacePoint{Face::rear, {-1, 0, 0}};
  return p.y > 0 ? SurfacePoint{Face::left, {0, 1, 0}} : SurfacePoint{Face::right, {0, -1, 0}};
}

}  // namespace weft::examples::fusion::world
