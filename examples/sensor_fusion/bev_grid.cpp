#include <weft/examples/sensor_fusion/bev_grid.hpp>

#include <cmath>

namespace weft::examples::fusion {

std::optional<int64_t> BevGrid::cell_of(double x, double y) const {
  Place place = place_of(x, y);
  // Written so that NaN is outside, too.
  bool inside = place.row >= 0 && place.row < static_cast<double>(rows) && place.column >= 0 &&
                place.column < static_cast<double>(columns);
  if (!inside) return std::nullopt;
  return static_cast<int64_t>(place.row) * columns + static_cast<int64_t>(place.column);
}

}  // namespace weft::examples::fusion
