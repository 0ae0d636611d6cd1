#pragma once

#include <span>

#include <weft/autograd/ops/attention.hpp>

namespace weft::cuda {

/// Attention by cuDNN. False where it does not serve (cudnn/sdpa_plan.hpp says when), and nothing is written then.
/// `inputs` and `outputs` as op::Attention has them.
bool cudnn_attention(const op::Attention& op, std::span<const Tensor> inputs, std::span<Tensor> outputs);

/// Its gradient, except for what comes from the cotangent of the logsumexp. Where that is not 0,
/// attention_gradient_for_logsumexp() writes the whole gradient anew.
bool cudnn_attention_gradient(const op::AttentionGrad& op, std::span<const Tensor> inputs, std::span<Tensor> outputs);

/// The gradient by the backend's own kernels if the cotangent of the logsumexp has a value that is not 0, which only
/// the device looks at; else `outputs` stay as they are. Half types only (attention.cu).
void attention_gradient_for_logsumexp(const op::AttentionGrad& op, std::span<const Tensor> inputs,
                                      std::span<Tensor> outputs);

}  // namespace weft::cuda
