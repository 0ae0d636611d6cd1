#include <weft/core/normal_quantile.hpp>

namespace weft {

double normal_probability(double x) {
  double low = 1e-300, high = 1 - 0x1p-53;
  for (int step = 0; step < 1100 && low < high; ++step) {  // bisection: exact to the last bit that the quantile has
    double middle = low + (high - low) / 2;
    if (middle == low || middle == high) break;
    (normal_quantile(middle) < x ? low : high) = middle;
  }
  return low;
}

}  // namespace weft
