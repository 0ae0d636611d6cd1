#pragma once

#include <cstdint>
#include <vector>

#include <weft/examples/sensor_fusion/world/layout.hpp>

namespace weft::examples::fusion::world {

constexpr Vec3 lidar_position{0, 0, 1.8};

struct Scan {
  std::vector<float> points;           // [returns, 4]: x y z in the ego frame, intensity
  std::vector<int64_t> solid_returns;  // [solids], of the scan in clear weather
};

/// Extinction per metre of fog with that visibility: 5 % contrast is left at it (Koschmieder).
constexpr double extinction(double visibility) { return visibility > 0 ? 3.912 / visibility : 0; }

/// Fires every beam once per azimuth at the ground and the solids. In fog weak returns are lost and drops of water
/// give false ones at 1 to 8 m. A dead LiDAR returns nothing, yet `solid_returns` is that of a live one.
Scan scan(const Layout& layout, uint64_t scene_key, const WorldOptions& options);

}  // namespace weft::examples::fusion::world
