#pragma once

#include <weft/autograd/ops/scalar_math.hpp>

namespace weft::functors {

// The functors of unary.hpp's primitives, under the same names. V is a floating type or a vector of one.

// clang-format off
// Where the sign of a zero is looked after, it is since vector functions may lose it.
struct Negative { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return -x; } };
struct Abs { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return abs(x); } };
struct Sign { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return select(x > V(0), V(1), select(x < V(0), V(-1), x)); } };
struct Square { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return x * x; } };
struct Relu { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return select(x <= V(0), V(0), x); } };
struct Reciprocal { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return V(1) / x; } };
struct Sqrt { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return sqrt(x); } };
struct Rsqrt { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return V(1) / sqrt(x); } };
struct Cbrt { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return cbrt(x); } };
struct Exp { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return exp(x); } };
struct Exp2 { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return exp2(x); } };
struct Expm1 { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return select(x == V(0), x, expm1(x)); } };
struct Log { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return log(x); } };
struct Log2 { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return log2(x); } };
struct Log10 { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return log10(x); } };
struct Log1p { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return select(x == V(0), x, log1p(x)); } };
struct Sin { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return sin(x); } };
struct Cos { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return cos(x); } };
struct Tan { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return tan(x); } };
struct Asin { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return asin(x); } };
struct Acos { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return acos(x); } };
struct Atan { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return atan(x); } };
struct Sinh { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return sinh(x); } };
struct Cosh { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return cosh(x); } };
/// Exactly 1 where it rounds to 1 in float64, as approximations need not be.
struct Tanh { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return select(abs(x) > V(20), copysign(V(1), x), tanh(x)); } };
struct Asinh { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return asinh(x); } };
struct Acosh { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return acosh(x); } };
struct Atanh { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return atanh(x); } };
/// The same.
struct Erf { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return select(abs(x) > V(6), copysign(V(1), x), erf(x)); } };
struct Erfc { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return erfc(x); } };
struct Sigmoid { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return V(1) / (V(1) + exp(-x)); } };
struct Softplus { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return maximum(x, V(0)) + log1p(exp(-abs(x))); } };
struct LogSigmoid { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return minimum(x, V(0)) - log1p(exp(-abs(x))); } };
struct Floor { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return copysign(floor(x), x); } };
struct Ceil { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return copysign(ceil(x), x); } };
struct Round { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return nearbyint(x); } };
struct Trunc { template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return copysign(trunc(x), x); } };

struct LogicalNot { WEFT_HOST_DEVICE bool operator()(bool x) const { return !x; } };

// These give truth values.
struct IsNan { template <class V> WEFT_HOST_DEVICE auto operator()(V x) const { return x != x; } };
struct IsInf { template <class V> WEFT_HOST_DEVICE auto operator()(V x) const { return abs(x) == V(HUGE_VALF); } };
struct IsFinite { template <class V> WEFT_HOST_DEVICE auto operator()(V x) const { return abs(x) < V(HUGE_VALF); } };

/// Winitzki's approximation ("A handy approximation for the error function and its inverse", 2008), made exact by
/// Halley's method on the smaller of erf and erfc. For scalars alone.
struct ErfInv {
  template <class T> WEFT_HOST_DEVICE T operator()(T value) const {
    const double x = static_cast<double>(value);
    if (!(std::abs(x) < 1)) return static_cast<T>(std::abs(x) == 1 ? std::copysign(double(HUGE_VAL), x) : x - x + NAN);
    double tail = 1 - std::abs(x);
    double logarithm = std::log(tail * (1 + std::abs(x))), a = 0.147, half = 2 / (M_PI * a) + logarithm / 2;
    double y = std::sqrt(std::fmax(0.0, std::sqrt(half * half - logarithm / a) - half));
    for (int i = 0; i < 3; ++i) {
      double error = tail < 0.5 ? tail - std::erfc(y) : std::erf(y) - std::abs(x);
      double step = error / (M_2_SQRTPI * std::exp(-y * y));
      y -= step / (1 + y * step);
    }
    return static_cast<T>(std::copysign(y, x));
  }
};

/// By squaring; a negative power is the reciprocal of the positive one.
struct IntegerPow {
  int power = 1;
  template <class V> WEFT_HOST_DEVICE V operator()(V x) const {
    V result = V(1);
    for (unsigned left = power < 0 ? 0u - static_cast<unsigned>(power) : static_cast<unsigned>(power); left > 0; left /= 2) {
      if (left % 2 == 1) result = result * x;
      x = x * x;
    }
    return power < 0 ? V(1) / result : result;
  }
};
// clang-format on

}  // namespace weft::functors
