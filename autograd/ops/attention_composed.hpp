#pragma once

#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/primitive.hpp>

namespace weft {

/// op::Attention from basic ops, with everything that it can do: out, logsumexp and, with `op.with_weights`, weights.
/// Runs on backends without an attention kernel, and stands for the fused kernels in second and higher derivatives.
Tensors attention_composed(const op::Attention& op, std::span<const Tensor> inputs);

/// op::AttentionGrad from basic ops: the gradient of the above.
Tensors attention_grad_composed(const op::AttentionGrad& op, std::span<const Tensor> inputs);

}  // namespace weft
