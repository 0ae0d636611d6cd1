#pragma once

#include <weft/autograd/ops/scalar_math.hpp>

namespace weft::functors {

// The functors of binary.hpp's primitives, under the same names. V is a floating type or a vector of one.

// clang-format off
struct Add { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return x + y; } };
struct Subtract { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return x - y; } };
struct Multiply { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return x * y; } };
struct Divide { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return x / y; } };
struct Maximum { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return maximum(x, y); } };
struct Minimum { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return minimum(x, y); } };
struct Power { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return pow(x, y); } };
struct FloorDivide { template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return floor(x / y); } };
/// Equal arguments, infinities included, differ by 0.
struct LogAddExp {
  template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const {
    V distance = select(x == y, V(0), abs(x - y));
    return maximum(x, y) + log1p(exp(-distance));
  }
};
struct Step {
  template <class V> WEFT_HOST_DEVICE V operator()(V x, V y) const { return select(x > y, V(1), select(x == y, V(0.5), V(0))); }
};
/// The gradient of relu, from its result and the cotangent.
struct ReluGrad { template <class V> WEFT_HOST_DEVICE V operator()(V y, V g) const { return select(y > V(0), g, V(0)); } };

// For scalars alone.
struct Atan2 { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return std::atan2(x, y); } };
struct Hypot { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return std::hypot(x, y); } };
/// With the sign of y.
struct Remainder {
  template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const {
    T remainder = std::fmod(x, y);
    if (remainder == 0) return std::copysign(remainder, y);
    return (remainder < 0) != (y < 0) ? remainder + y : remainder;
  }
};
struct LogicalAnd { WEFT_HOST_DEVICE bool operator()(bool x, bool y) const { return x && y; } };
struct LogicalOr { WEFT_HOST_DEVICE bool operator()(bool x, bool y) const { return x || y; } };
struct LogicalXor { WEFT_HOST_DEVICE bool operator()(bool x, bool y) const { return x != y; } };

// These give truth values.
struct Equal { template <class V> WEFT_HOST_DEVICE auto operator()(V x, V y) const { return x == y; } };
struct NotEqual { template <class V> WEFT_HOST_DEVICE auto operator()(V x, V y) const { return x != y; } };
struct Less { template <class V> WEFT_HOST_DEVICE auto operator()(V x, V y) const { return x < y; } };
struct LessEqual { template <class V> WEFT_HOST_DEVICE auto operator()(V x, V y) const { return x <= y; } };
struct Greater { template <class V> WEFT_HOST_DEVICE auto operator()(V x, V y) const { return x > y; } };
struct GreaterEqual { template <class V> WEFT_HOST_DEVICE auto operator()(V x, V y) const { return x >= y; } };
// clang-format on

}  // namespace weft::functors
