#pragma once

#include <cmath>

#include <weft/core/host_device.hpp>

namespace weft {

namespace detail {

/// c0 + x * (c1 + x * ...).
WEFT_HOST_DEVICE inline double horner(double, double c) { return c; }
template <class... C> WEFT_HOST_DEVICE double horner(double x, double c, C... more) {
  return horner(x, more...) * x + c;
}

/// The libraries' logarithms differ in their last bit, and even one library's from one processor to another.
WEFT_HOST_DEVICE inline double portable_log(double x) {
  constexpr double log2 = 0.693147180559945309417;
  int exponent;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < 0.70710678118654752) mantissa *= 2, --exponent;
  double t = (mantissa - 1) / (mantissa + 1), square = t * t, sum = 0;  // log(m) = 2 atanh(t), |t| < 0.172
  for (int n = 23; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
  return 2 * t * sum + exponent * log2;
}

}  // namespace detail

/// x with P(standard normal < x) = p, for 0 < p < 1, to about 1e-15 (Wichura, algorithm AS 241, 1988). Built from
/// + - * / and square roots, so that it has the same bits everywhere.
WEFT_HOST_DEVICE inline double normal_quantile(double p) {
  using detail::horner;
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           horner(r, 3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
                  1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                  3.3430575583588128105e+4, 2.5090809287301226727e+3) /
           horner(r, 1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                  2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                  5.2264952788528545610e+3);
  }
  const double root = std::sqrt(-detail::portable_log(q < 0 ? p : 1 - p));
  double x;
  if (root <= 5) {
    const double r = root - 1.6;
    x = horner(r, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
               3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2,
               7.74545014278341407640e-4) /
        horner(r, 1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
               1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
               1.05075007164441684324e-9);
  } else {
    const double r = root - 5;
    x = horner(r, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
               2.71155556874348757815e-5, 2.01033439929228813265e-7) /
        horner(r, 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
               7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
               2.04426310338993978564e-15);
  }
  return q < 0 ? -x : x;
}

/// P(standard normal < x), the inverse of normal_quantile.
double normal_probability(double x);

}  // namespace weft
