#pragma once

#include <cstdint>

namespace weft::examples {

struct Interval {
  double low = 0, high = 0;
};

/// 95 % confidence interval of a share of `hits` in `total` trials (Wilson's score interval, 1927); [0, 1] when total
/// is 0.
Interval wilson_interval(int64_t hits, int64_t total);

}  // namespace weft::examples
