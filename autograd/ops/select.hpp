#pragma once

#include <weft/autograd/ops/operand.hpp>
#include <weft/autograd/ops/plain_op.hpp>

namespace weft {

namespace op {
/// Inputs: condition (bool), x, y.
struct Select : PlainOp<"where"> {};
}  // namespace op

/// x where `condition` holds (is not 0), else y; all three broadcast. No gradient flows into the side not taken.
Tensor where(const Tensor& condition, const Operand& x, const Operand& y);

/// minimum(maximum(x, low), high): at a bound, x gets half of the gradient.
Tensor clip(const Tensor& x, const Operand& low, const Operand& high);

}  // namespace weft
