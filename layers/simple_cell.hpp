#pragma once

#include <weft/layers/recurrent_cell.hpp>

namespace weft {

struct SimpleCellOptions {
  int64_t in_features = inferred;
  int64_t hidden_features = inferred;         ///< has to be given
  bool residual = false;                      ///< adds the carry inside the tanh
  std::optional<DType> dtype = std::nullopt;  ///< computed in; see compute_dtype()
  DType param_dtype = DType::float32;         ///< also of the first carry
  Initializer kernel_init = initializers::lecun_normal();
  Initializer recurrent_kernel_init = initializers::orthogonal();
  Initializer bias_init = initializers::zeros();
};

/// h' = tanh(dense_i(x) + dense_h(h)), with + h inside where residual (Elman 1990).
struct SimpleCell {
  using Carry = Tensor;  ///< h [batch..., hidden]

  Linear dense_i;  ///< kernel [in, hidden], bias
  Linear dense_h;  ///< kernel [hidden, hidden], no bias
  bool residual;
  WEFT_MODULE(SimpleCell, dense_i, dense_h, residual)

  /// Throws ValueError for sizes below 1.
  SimpleCell(const SimpleCellOptions& options, Rngs& rngs);
  /// x [batch..., in] -> the output is the carry. Throws ShapeError for other features or another batch.
  CellStep<Tensor> operator()(const Tensor& carry, const Tensor& x) const;
  Tensor initialize_carry(const Shape& batch, Device device = default_device()) const;
};

}  // namespace weft
