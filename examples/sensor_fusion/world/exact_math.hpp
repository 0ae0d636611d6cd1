#pragma once

namespace weft::examples::fusion::world {

// libm's last bits differ between platforms; what decides a scene's bits comes from here, from additions,
// multiplications and square roots alone, which IEEE 754 rounds the same everywhere.

struct SinCos {
  double sin, cos;
};
/// For |angle| up to some turns; error below 1e-15.
SinCos sin_cos(double angle);

/// e^x for x <= 0; relative error below 1e-14, and 0 below -700.
double exp_of_negative(double x);

constexpr double pi = 3.14159265358979323846;
constexpr double radians(double degrees) { return degrees * (pi / 180); }

}  // namespace weft::examples::fusion::world
