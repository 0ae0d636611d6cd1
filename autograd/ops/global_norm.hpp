#pragma once

#include <vector>

#include <weft/autograd/ops/plain_op.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// Inputs: floating tensors of any shapes. Output: float64 [].
struct GlobalNorm : PlainOp<"global_norm"> {};
}  // namespace op

/// Euclidean norm of all elements of all tensors together, a float64 scalar.
Tensor global_norm(const std::vector<Tensor>& tensors);

}  // namespace weft
