#pragma once

#include <weft/autograd/ops/operand.hpp>
#include <weft/autograd/ops/plain_op.hpp>
#include <weft/autograd/ops/unary.hpp>  // relu, sigmoid, softplus, log_sigmoid, tanh

namespace weft {

// Activation functions as Flax nnx has them, element by element unless said otherwise. Integers become float32.

namespace op {
struct Gelu {
  static constexpr std::string_view name = "gelu";
  bool approximate = true;
  friend bool operator==(const Gelu&, const Gelu&) = default;
};
/// Inputs: x, cotangent.
struct GeluGrad {
  static constexpr std::string_view name = "gelu_grad";
  bool approximate = true;
  friend bool operator==(const GeluGrad&, const GeluGrad&) = default;
};
struct Silu : PlainOp<"silu"> {};
/// Inputs: x, cotangent.
struct SiluGrad : PlainOp<"silu_grad"> {};
}  // namespace op

/// x itself.
Tensor identity(const Tensor& x);
/// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), or x / 2 * (1 + erf(x / sqrt(2))) when not `approximate`.
Tensor gelu(const Tensor& x, bool approximate = true);
/// x * sigmoid(x).
Tensor silu(const Tensor& x);
inline Tensor swish(const Tensor& x) { return silu(x); }
/// min(max(x, 0), 6); derivative 0 at 0 and 6.
Tensor relu6(const Tensor& x);
/// x where x >= 0, else negative_slope * x.
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// The same with a slope that learns, broadcast against x.
Tensor prelu(const Tensor& x, const Tensor& negative_slope);
/// x where x > 0, else alpha * (exp(x) - 1).
Tensor elu(const Tensor& x, double alpha = 1);
/// max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1).
Tensor celu(const Tensor& x, double alpha = 1);
/// 1.0507009873554804934 * elu(x, 1.6732632423543772848).
Tensor selu(const Tensor& x);
/// x * tanh(softplus(x)).
Tensor mish(const Tensor& x);
/// relu6(x + 3) / 6.
Tensor hard_sigmoid(const Tensor& x);
/// x * hard_sigmoid(x).
Tensor hard_silu(const Tensor& x);
inline Tensor hard_swish(const Tensor& x) { return hard_silu(x); }
/// x between -1 and 1; derivative 1 at both.
Tensor hard_tanh(const Tensor& x);
/// x / (1 + |x|).
Tensor soft_sign(const Tensor& x);
/// (x + sqrt(x^2 + b)) / 2.
Tensor squareplus(const Tensor& x, double b = 4);
/// The first half of x along `axis` times the sigmoid of the second; throws ShapeError for an odd extent.
Tensor glu(const Tensor& x, int axis = -1);
/// (x - mean) / sqrt(variance + epsilon) along `axis`.
Tensor standardize(const Tensor& x, int axis = -1, double epsilon = 1e-5);

}  // namespace weft
