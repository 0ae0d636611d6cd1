#pragma once

#include <weft/autograd/ops/plain_op.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
struct Cast {
  static constexpr std::string_view name = "cast";
  DType dtype = DType::float32;
  friend bool operator==(const Cast&, const Cast&) = default;
};
struct Copy : PlainOp<"copy"> {};
}  // namespace op

/// x in another dtype; x itself when it has that dtype already. To an integer: towards 0, the nearest where it does not
/// fit, 0 for NaN; to bool: is not 0. Gradients flow between floating dtypes only.
Tensor cast(const Tensor& x, DType dtype);
/// The same elements in memory of their own, row-major, with gradient (Tensor::copy() has none).
Tensor copy(const Tensor& x);
/// x itself when it is row-major without gaps, else copy(x).
Tensor contiguous(const Tensor& x);

}  // namespace weft
