#include <weft/examples/sensor_fusion/world/noise.hpp>

#include <algorithm>
#include <cmath>

#include <weft/examples/sensor_fusion/world/exact_math.hpp>

namespace weft::examples::fusion::world {

double poisson_of(double mean, RandomSequence& random) {
  if (mean <= 0) return 0;
  if (mean >= 30) return std::max(0.0, std::floor(mean + std::sqrt(mean) * normal_of(random) + 0.5));
  double left = static_cast<double>(random.uniform()), probability = exp_of_negative(-mean);
  int count = 0;
  while (left >= probability && count < 100) {
    left -= probability;
    probability *= mean / ++count;
  }
  return count;
}

}  // namespace weft::examples::fusion::world
