// Stands in for the calls of cuDNN (backends/cuda/cudnn), which then never serve: the backend's own kernels do.

#include <weft/backends/cuda/cudnn/conv.hpp>
#include <weft/backends/cuda/cudnn/sdpa.hpp>

namespace weft::cuda {

bool cudnn_attention(const op::Attention&, std::span<const Tensor>, std::span<Tensor>) { return false; }
bool cudnn_attention_gradient(const op::AttentionGrad&, std::span<const Tensor>, std::span<Tensor>) { return false; }

bool cudnn_conv(const ConvGeometry&, const Tensor&, const Tensor&, Tensor&) { return false; }
bool cudnn_conv_input_gradient(const ConvGeometry&, const Tensor&, const Tensor&, Tensor&) { return false; }
bool cudnn_conv_kernel_gradient(const ConvGeometry&, const Tensor&, const Tensor&, Tensor&) { return false; }

}  // namespace weft::cuda
