#include <weft/examples/sensor_fusion/world/lidar.hpp>

#include <algorithm>
#include <cmath>

#include <weft/examples/sensor_fusion/world/exact_math.hpp>
#include <weft/examples/sensor_fusion/world/noise.hpp>

namespace weft::examples::fusion::world {
namespace {

constexpr uint32_t range_noise_stream = 16, fog_stream = 17;
constexpr double farthest = 80, range_noise = 0.02, ground_reflectivity = 0.2;
// Power of the weakest return that is heard, for reflectivity 1 at 1 m = 1: a dark surface (0.1) seen straight on is
// heard up to 70 m in clear air.
constexpr double weakest = 2e-5;

struct Hit {
  double range = no_hit, strength = 0;  // strength = reflectivity * cosine of incidence
  size_t solid = 0;                     // layout.solids.size() = the ground
};

Hit cast(const Layout& layout, const Vec3& direction) {
  Hit hit;
  hit.solid = layout.solids.size();
  if (direction.z < 0) {
    hit.range = -lidar_position.z / direction.z;
    hit.strength = ground_reflectivity * -direction.z;
  }
  for (size_t i = 0; i < layout.solids.size(); ++i) {
    const Solid& solid = layout.solids[i];
    Vec3 origin = solid.to_own(lidar_position), own = solid.direction_to_own(direction);
    double range = enter(solid, origin, own);
    if (range >= hit.range) continue;
    hit.range = range;
    hit.solid = i;
    hit.strength = solid.reflectivity * -dot(surface_at(solid, origin + range * own).normal, own);
  }
  if (hit.range > farthest) hit.range = no_hit;
  return hit;
}

/// A multiple of 2^-12 m, so that moving the origin by one is exact.
float on_grid(double length) { return static_cast<float>(std::floor(length * 4096 + 0.5) * 0x1p-12); }

void add_point(Scan& scan, const Vec3& direction, double range, double intensity) {
  Vec3 p = lidar_position + range * direction;
  scan.points.insert(scan.points.end(), {on_grid(p.x), on_grid(p.y), on_grid(p.z),
                                         static_cast<float>(std::floor(std::clamp(intensity, 0.0, 1.0) * 255 + 0.5)) *
                                             static_cast<float>(1.0 / 255)});
}

}  // namespace

Scan scan(const Layout& layout, uint64_t scene_key, const WorldOptions& options) {
  Scan scan;
  scan.solid_returns.assign(layout.solids.size(), 0);
  RandomSequence noise({scene_key, range_noise_stream}), fog({scene_key, fog_stream});
  double beta = extinction(layout.visibility);
  for (double degrees : options.beam_degrees) {
    SinCos down = sin_cos(radians(degrees));
    for (int64_t i = 0; i < options.azimuths; ++i) {
      SinCos around =
          sin_cos(radians(90 * ((static_cast<double>(i) + 0.5) / static_cast<double>(options.azimuths)) - 45));
      Vec3 direction{down.cos * around.cos, down.cos * around.sin, down.sin};
      Hit hit = cast(layout, direction);
      double error = range_noise * normal_of(noise);  // drawn whether used or not: weather shifts no other ray's noise
      double chance = static_cast<double>(fog.uniform()), place = static_cast<double>(fog.uniform());
      if (hit.range != no_hit && hit.solid < layout.solids.size()) ++scan.solid_returns[hit.solid];
      if (layout.condition == Condition::lidar_dead) continue;
      double drop = 1 + 7 * place;
      if (beta > 0 && chance < beta && drop < hit.range) {
        add_point(scan, direction, drop, 0.02 + 0.08 * (1 - place));
        continue;
      }
      if (hit.range == no_hit) continue;
      double power = hit.strength * exp_of_negative(-2 * beta * hit.range) / (hit.range * hit.range);
      if (beta > 0 && power <= weakest) continue;
      add_point(scan, direction, hit.range + error, hit.strength * exp_of_negative(-2 * beta * hit.range));
    }
  }
  return scan;
}

}  // namespace weft::examples::fusion::world
