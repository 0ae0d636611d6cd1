#pragma once

#include <weft/autograd/ops/scalar_math.hpp>

namespace weft::functors {

// The functors of unary.hpp's primitives, under the same names. V is a floating type or a vector of one.

// clang-format off
// Where the sign of a zero is looked after, it is since vector functions may lose it.
struct Negative { template <class V> V operator()(V x) const { return -x; } };
struct Abs { template <class V> V operator()(V x) const { return abs(x); } };
struct Sign { template <class V> V operator()(V x) const { return select(x > V(0), V(1), select(x < V(0), V(-1), x)); } };
struct Square { template <class V> V operator()(V x) const { return x * x; } };
struct Relu { template <class V> V operator()(V x) const { return select(x <= V(0), V(0), x); } };
struct Reciprocal { template <class V> V operator()(V x) const { return V(1) / x; } };
struct Sqrt { template <class V> V operator()(V x) const { return sqrt(x); } };
struct Rsqrt { template <class V> V operator()(V x) const { return V(1) / sqrt(x); } };
struct Cbrt { template <class V> V operator()(V x) const { return cbrt(x); } };
struct Exp { template <class V> V operator()(V x) const { return exp(x); } };
struct Exp2 { template <class V> V operator()(V x) const { return exp2(x); } };
struct Expm1 { template <class V> V operator()(V x) const { return select(x == V(0), x, expm1(x)); } };
struct Log { template <class V> V operator()(V x) const { return log(x); } };
struct Log2 { template <class V> V operator()(V x) const { return log2(x); } };
struct Log10 { template <class V> V operator()(V x) const { return log10(x); } };
struct Log1p { template <class V> V operator()(V x) const { return select(x == V(0), x, log1p(x)); } };
struct Sin { template <class V> V operator()(V x) const { return sin(x); } };
struct Cos { template <class V> V operator()(V x) const { return cos(x); } };
struct Tan { template <class V> V operator()(V x) const { return tan(x); } };
struct Asin { template <class V> V operator()(V x) const { return asin(x); } };
struct Acos { template <class V> V operator()(V x) const { return acos(x); } };
struct Atan { template <class V> V operator()(V x) const { return atan(x); } };
struct Sinh { template <class V> V operator()(V x) const { return sinh(x); } };
struct Cosh { template <class V> V operator()(V x) const { return cosh(x); } };
/// Exactly 1 where it rounds to 1 in float64, as approximations need not be.
struct Tanh { template <class V> V operator()(V x) const { return select(abs(x) > V(20), copysign(V(1), x), tanh(x)); } };
struct Asinh { template <class V> V operator()(V x) const { return asinh(x); } };
struct Acosh { template <class V> V operator()(V x) const { return acosh(x); } };
struct Atanh { template <class V> V operator()(V x) const { return atanh(x); } };
/// The same.
struct Erf { template <class V> V operator()(V x) const { return select(abs(x) > V(6), copysign(V(1), x), erf(x)); } };
struct Erfc { template <class V> V operator()(V x) const { return erfc(x); } };
struct Sigmoid { template <class V> V operator()(V x) const { return V(1) / (V(1) + exp(-x)); } };
struct Softplus { template <class V> V operator()(V x) const { return maximum(x, V(0)) + log1p(exp(-abs(x))); } };
struct LogSigmoid { template <class V> V operator()(V x) const { return minimum(x, V(0)) - log1p(exp(-abs(x))); } };
struct Floor { template <class V> V operator()(V x) const { return copysign(floor(x), x); } };
struct Ceil { template <class V> V operator()(V x) const { return copysign(ceil(x), x); } };
struct Round { template <class V> V operator()(V x) const { return nearbyint(x); } };
struct Trunc { template <class V> V operator()(V x) const { return copysign(trunc(x), x); } };

// These give truth values.
struct IsNan { template <class V> auto operator()(V x) const { return x != x; } };
struct IsInf { template <class V> auto operator()(V x) const { return abs(x) == V(HUGE_VALF); } };
struct IsFinite { template <class V> auto operator()(V x) const { return abs(x) < V(HUGE_VALF); } };

/// By squaring; a negative power is the reciprocal of the positive one.
struct IntegerPow {
  int power = 1;
  template <class V> V operator()(V x) const {
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
