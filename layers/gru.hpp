#pragma once

#include <weft/layers/recurrent_cell.hpp>

namespace weft {

/// Gated recurrent unit (Cho et al. 2014, with the reset gate behind the product as in cuDNN): with r, z and n the
/// parts of dense_i(x) and dense_h(h) in this order,
///   r = sigmoid(xr + hr), z = sigmoid(xz + hz), n = tanh(xn + r hn), h' = (1 - z) n + z h.
struct GRUCell {
  using Carry = Tensor;  ///< h [batch..., hidden]

  Linear dense_i;  ///< kernel [in, 3 hidden], bias
  Linear dense_h;  ///< kernel [hidden, 3 hidden], no bias
  WEFT_MODULE(GRUCell, dense_i, dense_h)

  /// Throws ValueError for sizes below 1.
  GRUCell(const RecurrentCellOptions& options, Rngs& rngs);
  /// x [batch..., in] -> the output is the carry. Throws ShapeError for other features or another batch.
  CellStep<Tensor> operator()(const Tensor& carry, const Tensor& x) const;
  Tensor initialize_carry(const Shape& batch, Device device = default_device()) const;
};

}  // namespace weft
