#pragma once

#include <weft/autograd/ops/scalar_math.hpp>

namespace weft::functors {

// The functors of activation.hpp's primitives. V is a floating type or a vector of one. The gradients work on x within
// bounds beyond which nothing changes, since infinity times zero would be NaN.

constexpr double gelu_rate = 0.79788456080286535588;  // sqrt(2 / pi)
constexpr double gelu_cubic = 0.044715;
constexpr double inverse_sqrt2 = 0.70710678118654752440;

template <class V> WEFT_HOST_DEVICE V bounded(V x, double bound) { return max(V(-bound), min(V(bound), x)); }

/// With the tanh approximation: 1/2 (1 + tanh(u)) is sigmoid(2 u), which keeps its digits where it is small.
struct GeluTanh {
  template <class V> WEFT_HOST_DEVICE V operator()(V x) const {
    return x / (V(1) + exp(x * (V(-2 * gelu_rate) + V(-2 * gelu_rate * gelu_cubic) * (x * x))));
  }
};

struct GeluTanhGrad {
  template <class V> WEFT_HOST_DEVICE V operator()(V x, V g) const {
    V c = bounded(x, 30), squared = c * c;
    V s = V(1) / (V(1) + exp(c * (V(-2 * gelu_rate) + V(-2 * gelu_rate * gelu_cubic) * squared)));
    V slope = V(2 * gelu_rate) + V(6 * gelu_rate * gelu_cubic) * squared;
    return g * (s + c * s * (V(1) - s) * slope);
  }
};

struct GeluErf {
  template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return x * normal_cdf(bounded(x, 40)); }
};

struct GeluErfGrad {
  template <class V> WEFT_HOST_DEVICE V operator()(V x, V g) const {
    V c = bounded(x, 40);
    return g * (normal_cdf(c) + c * normal_density(c));
  }
};

struct Silu {
  template <class V> WEFT_HOST_DEVICE V operator()(V x) const { return x / (V(1) + exp(-x)); }
};

struct SiluGrad {
  template <class V> WEFT_HOST_DEVICE V operator()(V x, V g) const {
    V c = bounded(x, 10000);
    V s = V(1) / (V(1) + exp(-c));
    return g * (s * (V(1) + c * (V(1) - s)));
  }
};

}  // namespace weft::functors
