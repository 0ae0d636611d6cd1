#include <weft/backends/cuda/cudnn/conv.hpp>

#include <tuple>

#include <weft/backends/cuda/cudnn/conv_graph.hpp>
#include <weft/backends/cuda/cudnn/library.hpp>
#include <weft/backends/cuda/precision.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

using Key = std::tuple<ConvPass, DType, int, bool, std::vector<int64_t>>;

/// What cuDNN calls it when it is told the convolution the other way round.
ConvPass transposed(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward: return ConvPass::input_gradient;
    case ConvPass::input_gradient: return ConvPass::forward;
    case ConvPass::kernel_gradient: break;
  }
  return pass;
}

/// Reads two of the three and writes the third.
bool run(ConvPass ours, const ConvGeometry& geometry, const Tensor& x, const Tensor& kernel, const Tensor& y) {
  static auto& plans = *new cudnn::PlanCache<Key>;  // never destroyed: the driver may be gone by then
  const std::optional<CudnnConv> conv = plan_cudnn_conv(geometry, x, kernel, y);
  const Device device = x.device();
  if (!conv || !cudnn::handle(device)) return false;
  const ConvPass pass = conv->transposed ? transposed(ours) : ours;
  const Key key{pass, x.dtype(), device.index(), tf32_allowed(), conv->key()};
  const auto plan =
      plans.find(key, [&] { return cudnn::build(conv_graph(*conv, pass, x.dtype()), x.dtype(), device); });
  if (!plan) return false;

  auto shape = [](const std::vector<int64_t>& extents) { return Shape(std::span<const int64_t>(extents)); };
  Tensor filter = Tensor::empty({conv->filter_elements()}, x.dtype(), device);
  Tensor in_order = filter.strided_view(shape(conv->filter.extents), shape(conv->filter.strides), 0);
  Tensor as_kernel = kernel.strided_view(shape(conv->kernel.extents), shape(conv->kernel.strides),
                                         kernel.offset() + conv->kernel_offset);
  if (pass != ConvPass::kernel_gradient) copy_strided(as_kernel, in_order);
  auto pointer = [](const Tensor& tensor) { return const_cast<void*>(tensor.raw()); };
  const bool ran = cudnn::run(*plan,
                              {{conv_x, pointer(conv->transposed ? y : x)},
                               {conv_y, pointer(conv->transposed ? x : y)},
                               {conv_filter, pointer(filter)}},
                              device);
  if (ran && pass == ConvPass::kernel_gradient) copy_strided(in_order, as_kernel);
  return ran;
}

}  // namespace

bool cudnn_conv(const ConvGeometry& geometry, const Tensor& x, const Tensor& kernel, Tensor& y) {
  return run(ConvPass::forward, geometry, x, kernel, y);
}

bool cudnn_conv_input_gradient(const ConvGeometry& geometry, const Tensor& d_y, const Tensor& kernel, Tensor& d_x) {
  return run(ConvPass::input_gradient, geometry, d_x, kernel, d_y);
}

bool cudnn_conv_kernel_gradient(const ConvGeometry& geometry, const Tensor& x, const Tensor& d_y, Tensor& d_kernel) {
  return run(ConvPass::kernel_gradient, geometry, x, d_kernel, d_y);
}

}  // namespace weft::cuda
