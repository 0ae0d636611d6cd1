#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {

/// Matrix product over the last two axes, batch axes broadcast: [batch..., M, K] x [batch..., K, N] ->
/// [batch..., M, N].
struct Matmul {
  static constexpr std::string_view name = "matmul";
  bool operator==(const Matmul&) const = default;
};

/// x [..., in] . kernel [in, out] + bias [out] -> [..., out]; inputs x, kernel and, with `has_bias`, bias.
struct Linear {
  static constexpr std::string_view name = "linear";
  bool has_bias = false;
  bool operator==(const Linear&) const = default;
};

/// What op::FusedMatmul applies to the product; the functions of unary.hpp and activation.hpp.
enum class Activation { none, relu, gelu_tanh, gelu_erf, silu, sigmoid, tanh };

/// activation(a . b + bias) + residual, and with `keeps_product` the second output a . b + bias (what the gradient of
/// the activation needs). Inputs: a [..., K] and b [K, N] as op::Linear takes them, or a [batch..., M, K] and b
/// [batch..., K, N] as op::Matmul does; with `has_bias` a bias [N]; with `has_residual` a residual of the result's
/// shape. In float32 and float64 the bits are those of the primitives run one after another: op::Linear or op::Matmul
/// and op::Add, the activation, op::Add.
struct FusedMatmul {
  static constexpr std::string_view name = "fused_matmul";
  bool has_bias = false, has_residual = false;
  Activation activation = Activation::none;
  bool keeps_product = false;
  bool operator==(const FusedMatmul&) const = default;
};

}  // namespace op

/// The matrix product a . b by the rules of jnp.matmul: a [batch..., M, K], b [batch..., K, N], batch axes broadcast;
/// a vector a [K] is a row and a vector b [K] a column, whose axis of length 1 is then dropped. Integers and booleans
/// (as int32) multiply too. Throws ShapeError for scalars, for different K, and for batch axes that do not broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);

/// x [..., in] . kernel [in, out] + bias [out] -> [..., out]; without a bias when it is undefined. Throws ShapeError.
Tensor linear(const Tensor& x, const Tensor& kernel, const Tensor& bias = Tensor());

/// Defines the primitives of this file.
void define_matmul();

}  // namespace weft
