#pragma once

#include <weft/layers/recurrent_cell.hpp>

namespace weft {

/// Both [batch..., hidden].
struct LSTMCarry {
  Tensor c;  ///< the memory
  Tensor h;  ///< the output
};

/// `x` for the entries [batch...] for which `condition` [batch..., 1] holds, else `y`.
LSTMCarry where(const Tensor& condition, const LSTMCarry& x, const LSTMCarry& y);

/// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
///   i = sigmoid(ii(x) + hi(h)), f = sigmoid(if_(x) + hf(h)), g = tanh(ig(x) + hg(h)), o = sigmoid(io(x) + ho(h)),
///   c' = f c + i g, h' = o tanh(c').
struct LSTMCell {
  using Carry = LSTMCarry;

  Linear ii, if_, ig, io;  ///< kernels [in, hidden], no bias
  Linear hi, hf, hg, ho;   ///< kernels [hidden, hidden], biases
  WEFT_MODULE(LSTMCell, ii, if_, ig, io, hi, hf, hg, ho)

  /// Throws ValueError for sizes below 1.
  LSTMCell(const RecurrentCellOptions& options, Rngs& rngs);
  /// x [batch..., in] -> the output is h. Throws ShapeError for other features or another batch.
  CellStep<LSTMCarry> operator()(const LSTMCarry& carry, const Tensor& x) const;
  LSTMCarry initialize_carry(const Shape& batch, Device device = default_device()) const;
};

/// The same function with the gates i, f, g, o side by side: two products for each step instead of eight. Its carry
/// kernel is orthogonal as a whole when it is new, not gate by gate.
struct OptimizedLSTMCell {
  using Carry = LSTMCarry;

  Linear dense_i;  ///< kernel [in, 4 hidden], no bias
  Linear dense_h;  ///< kernel [hidden, 4 hidden], bias
  WEFT_MODULE(OptimizedLSTMCell, dense_i, dense_h)

  /// Throws ValueError for sizes below 1.
  OptimizedLSTMCell(const RecurrentCellOptions& options, Rngs& rngs);
  /// x [batch..., in] -> the output is h. Throws ShapeError for other features or another batch.
  CellStep<LSTMCarry> operator()(const LSTMCarry& carry, const Tensor& x) const;
  LSTMCarry initialize_carry(const Shape& batch, Device device = default_device()) const;
};

}  // namespace weft
