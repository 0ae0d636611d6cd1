#include <weft/examples/sensor_fusion/world/exact_math.hpp>

#include <cmath>
#include <cstdint>

namespace weft::examples::fusion::world {

SinCos sin_cos(double angle) {
  // Quarter turns taken off (pi / 2 in two parts), Taylor's series for the rest in [-pi/4, pi/4].
  double quarters = std::floor(angle * (2 / pi) + 0.5);
  double x = (angle - quarters * 1.5707963267341256) - quarters * 6.077100506506192e-11;
  double y = x * x;
  double s =
      x * (1 - y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72 * (1 - y / 110 * (1 - y / 156 * (1 - y / 210)))))));
  double c = 1 - y / 2 * (1 - y / 12 * (1 - y / 30 * (1 - y / 56 * (1 - y / 90 * (1 - y / 132 * (1 - y / 182))))));
  switch (static_cast<int64_t>(quarters) & 3) {
    case 0: return {s, c};
    case 1: return {c, -s};
    case 2: return {-s, -c};
    default: return {-c, s};
  }
}

double exp_of_negative(double x) {
  if (x < -700) return 0;
  double halvings = std::floor(x * 1.4426950408889634 + 0.5);
  double r = (x - halvings * 0.6931471803691238) - halvings * 1.9082149292705877e-10;
  double sum = 1;
  for (int k = 13; k > 0; --k) sum = 1 + sum * r * (1.0 / k);
  return std::ldexp(sum, static_cast<int>(halvings));
}

}  // namespace weft::examples::fusion::world
