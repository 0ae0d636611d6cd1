#include <weft/examples/common/statistics.hpp>

#include <algorithm>
#include <cmath>

namespace weft::examples {

Interval wilson_interval(int64_t hits, int64_t total) {
  if (total == 0) return {0, 1};
  constexpr double z = 1.959963984540054;
  double n = static_cast<double>(total), share = static_cast<double>(hits) / n;
  double center = (share + z * z / (2 * n)) / (1 + z * z / n);
  double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, center - half), std::min(1.0, center + half)};
}

}  // namespace weft::examples
