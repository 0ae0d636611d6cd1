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
