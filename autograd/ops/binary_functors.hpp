#pragma once

#include <weft/autograd/ops/scalar_math.hpp>

namespace weft::functors {

// The functors of binary.hpp's primitives, under the same names. V is a floating type or a vector of one.

// clang-format off
struct Add { template <class V> V operator()(V x, V y) const { return x + y; } };
struct Subtract { template <class V> V operator()(V x, V y) const { return x - y; } };
struct Multiply { template <class V> V operator()(V x, V y) const { return x * y; } };
struct Divide { template <class V> V operator()(V x, V y) const { return x / y; } };
struct Maximum { template <class V> V operator()(V x, V y) const { return maximum(x, y); } };
struct Minimum { template <class V> V operator()(V x, V y) const { return minimum(x, y); } };
struct Power { template <class V> V operator()(V x, V y) const { return pow(x, y); } };
struct FloorDivide { template <class V> V operator()(V x, V y) const { return floor(x / y); } };
/// Equal arguments, infinities included, differ by 0.
struct LogAddExp {
  template <class V> V operator()(V x, V y) const {
    V distance = select(x == y, V(0), abs(x - y));
    return maximum(x, y) + log1p(exp(-distance));
  }
};
struct Step {
  template <class V> V operator()(V x, V y) const { return select(x > y, V(1), select(x == y, V(0.5), V(0))); }
};
/// The gradient of relu, from its result and the cotangent.
struct ReluGrad { template <class V> V operator()(V y, V g) const { return select(y > V(0), g, V(0)); } };

// These give truth values.
struct Equal { template <class V> auto operator()(V x, V y) const { return x == y; } };
struct NotEqual { template <class V> auto operator()(V x, V y) const { return x != y; } };
struct Less { template <class V> auto operator()(V x, V y) const { return x < y; } };
struct LessEqual { template <class V> auto operator()(V x, V y) const { return x <= y; } };
struct Greater { template <class V> auto operator()(V x, V y) const { return x > y; } };
struct GreaterEqual { template <class V> auto operator()(V x, V y) const { return x >= y; } };
// clang-format on

}  // namespace weft::functors
