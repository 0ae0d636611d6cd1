#pragma once

#include <cmath>

#include <weft/core/host_device.hpp>

// The vocabulary of elementwise functors, for a scalar. A functor is written once, as a template over the type of its
// values, and calls these functions without a namespace: for a vector of values those of the vector's own namespace are
// found instead.

namespace weft::functors {

using std::abs, std::sqrt, std::cbrt, std::floor, std::ceil, std::trunc, std::nearbyint;
using std::acosh, std::asinh, std::atanh, std::cosh, std::sinh, std::tanh;
using std::copysign, std::erf, std::erfc;
using std::exp, std::exp2, std::expm1, std::log, std::log10, std::log1p, std::log2;
using std::pow;
using std::sin, std::cos, std::tan, std::asin, std::acos, std::atan;

template <class T> WEFT_HOST_DEVICE T select(bool condition, T x, T y) { return condition ? x : y; }
/// The second argument where either is NaN.
template <class T> WEFT_HOST_DEVICE T min(T x, T y) { return x < y ? x : y; }
template <class T> WEFT_HOST_DEVICE T max(T x, T y) { return x > y ? x : y; }
/// P(standard normal < x), and its derivative.
template <class T> WEFT_HOST_DEVICE T normal_cdf(T x) { return T(0.5) * erfc(x * T(-0.70710678118654752440)); }
template <class T> WEFT_HOST_DEVICE T normal_density(T x) { return T(0.39894228040143267794) * exp(T(-0.5) * (x * x)); }
/// NaN where either is NaN.
template <class T> WEFT_HOST_DEVICE T maximum(T x, T y) { return x > y || x != x ? x : y; }
template <class T> WEFT_HOST_DEVICE T minimum(T x, T y) { return x < y || x != x ? x : y; }

}  // namespace weft::functors
