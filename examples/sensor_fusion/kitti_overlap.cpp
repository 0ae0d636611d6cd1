#include <weft/examples/sensor_fusion/kitti_overlap.hpp>

#include <algorithm>
#include <cmath>

namespace weft::examples::fusion {
namespace {

struct Corner {
  double x = 0, z = 0;
};

/// Counter-clockwise from x towards z.
std::vector<Corner> corners_of(const KittiLabel& label) {
  const double c = std::cos(label.rotation_y), s = std::sin(label.rotation_y);
  const double l = label.length / 2, w = label.width / 2;
  std::vector<Corner> corners;
  for (auto [along, across] : {std::pair{l, w}, {-l, w}, {-l, -w}, {l, -w}})
    corners.push_back({label.bottom.x + c * along + s * across, label.bottom.z - s * along + c * across});
  return corners;
}

/// Twice the area of the triangle from a over b to p; positive where p lies to the left.
double left_of(const Corner& a, const Corner& b, const Corner& p) {
  return (b.x - a.x) * (p.z - a.z) - (b.z - a.z) * (p.x - a.x);
}

/// The part of the convex `polygon` to the left of the line from a to b (Sutherland and Hodgman 1974).
std::vector<Corner> cut(const std::vector<Corner>& polygon, const Corner& a, const Corner& b) {
  std::vector<Corner> kept;
  for (size_t i = 0; i < polygon.size(); ++i) {
    const Corner &p = polygon[i], &next = polygon[(i + 1) % polygon.size()];
    const double here = left_of(a, b, p), there = left_of(a, b, next);
    if (here >= 0) kept.push_back(p);
    if ((here > 0 && there < 0) || (here < 0 && there > 0)) {
      const double t = here / (here - there);
      kept.push_back({p.x + t * (next.x - p.x), p.z + t * (next.z - p.z)});
    }
  }
  return kept;
}

double area(const std::vector<Corner>& polygon) {
  double sum = 0;
  for (size_t i = 2; i < polygon.size(); ++i) sum += left_of(polygon[0], polygon[i - 1], polygon[i]);
  return sum / 2;
}

double common_ground(const KittiLabel& a, const KittiLabel& b) {
  const double reach = (std::hypot(a.length, a.width) + std::hypot(b.length, b.width)) / 2;
  if (std::hypot(a.bottom.x - b.bottom.x, a.bottom.z - b.bottom.z) > reach) return 0;
  std::vector<Corner> common = corners_of(a), edges = corners_of(b);
  for (size_t i = 0; i < edges.size(); ++i) common = cut(common, edges[i], edges[(i + 1) % edges.size()]);
  return area(common);
}

bool has_ground(const KittiLabel& label) { return label.length > 0 && label.width > 0; }

double ratio(double common, double a, double b) { return common > 0 ? std::min(common / (a + b - common), 1.0) : 0; }

double common_picture(const KittiLabel& a, const KittiLabel& b) {
  return Rectangle{std::max(a.bbox.left, b.bbox.left), std::max(a.bbox.top, b.bbox.top),
                   std::min(a.bbox.right, b.bbox.right), std::min(a.bbox.bottom, b.bbox.bottom)}
      .area();
}

}  // namespace

double picture_overlap(const KittiLabel& a, const KittiLabel& b) {
  return ratio(common_picture(a, b), a.bbox.area(), b.bbox.area());
}

double picture_share(const KittiLabel& a, const KittiLabel& b) {
  return a.bbox.area() > 0 ? common_picture(a, b) / a.bbox.area() : 0;
}

double ground_overlap(const KittiLabel& a, const KittiLabel& b) {
  if (!has_ground(a) || !has_ground(b)) return 0;
  return ratio(common_ground(a, b), a.length * a.width, b.length * b.width);
}

double volume_overlap(const KittiLabel& a, const KittiLabel& b) {
  if (!has_ground(a) || !has_ground(b) || a.height <= 0 || b.height <= 0) return 0;
  // y points down and is that of the lower face.
  const double tall = std::min(a.bottom.y, b.bottom.y) - std::max(a.bottom.y - a.height, b.bottom.y - b.height);
  if (tall <= 0) return 0;
  return ratio(common_ground(a, b) * tall, a.length * a.width * a.height, b.length * b.width * b.height);
}

}  // namespace weft::examples::fusion
