#pragma once

#include <concepts>
#include <optional>

#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/linear.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

/// For GRUCell, LSTMCell and OptimizedLSTMCell.
struct RecurrentCellOptions {
  int64_t in_features = inferred;
  int64_t hidden_features = inferred;         ///< has to be given
  std::optional<DType> dtype = std::nullopt;  ///< computed in; see compute_dtype()
  DType param_dtype = DType::float32;         ///< also of the first carry
  Initializer kernel_init = initializers::lecun_normal();
  Initializer recurrent_kernel_init = initializers::orthogonal();
  Initializer bias_init = initializers::zeros();
};

/// What a cell makes of one step.
template <class Carry> struct CellStep {
  Carry carry;    ///< for the next step
  Tensor output;  ///< [batch..., hidden]
};

/// What RNN runs over a sequence: `cell(carry, x)` with x [batch..., features], and zeros to begin with. A Carry other
/// than Tensor needs a function `where(condition, carry, carry)` beside it, for sequences that end early.
template <class Cell>
concept RecurrentCell = Module<Cell> && requires(const Cell& cell, const typename Cell::Carry& carry, const Tensor& x) {
  { cell(carry, x) } -> std::same_as<CellStep<typename Cell::Carry>>;
  { cell.initialize_carry(Shape(), Device()) } -> std::same_as<typename Cell::Carry>;
};

namespace detail {
/// Of the product of the inputs, and of that of the carry, with `parts` gates side by side. Both throw ValueError for
/// hidden_features below 1.
LinearOptions input_projection(const RecurrentCellOptions& options, int64_t parts, bool use_bias);
LinearOptions carry_projection(const RecurrentCellOptions& options, int64_t parts, bool use_bias);
/// Throws ShapeError unless x is [batch..., features] and the carry [batch..., hidden].
void check_carry(const Tensor& carry, const Tensor& x, int64_t hidden_features);
/// Zeros [batch..., hidden] in the type of the projection's parameters.
Tensor zero_carry(const Linear& carry_projection, const Shape& batch, Device device);
}  // namespace detail

}  // namespace weft
