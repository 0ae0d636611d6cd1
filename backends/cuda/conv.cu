#include <weft/backends/cuda/conv.hpp>

#include <weft/backends/cuda/cudnn/conv.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

// cuDNN where it serves, the backend's own kernels elsewhere.

namespace weft::cuda {
namespace {

void convolve(const KernelCall& call, const ConvGeometry& geometry, bool has_bias, bool relu) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1];
  Tensor& y = call.outputs[0];
  if (y.elements() == 0) return;
  const ConvFinish finish{has_bias ? &call.inputs[2] : nullptr, relu};
  if (cudnn_conv(geometry, x, kernel, y)) return finish_conv(y, finish);
  own_conv(forward_gather(geometry, x.shape(), kernel.shape(), y.shape()), x, kernel, y, finish);
}

void conv_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Conv>();
  convolve(call, op.geometry, op.has_bias, false);
}

void fused_conv_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedConv>();
  convolve(call, op.geometry, op.has_bias, op.activation == op::Activation::relu);
}

void input_grad_kernel(const KernelCall& call) {
  const Tensor &d_y = call.inputs[0], &kernel = call.inputs[1];
  Tensor& d_x = call.outputs[0];
  if (d_x.elements() == 0) return;
  const ConvGeometry& geometry = call.op<op::ConvInputGrad>().geometry;
  if (cudnn_conv_input_gradient(geometry, d_y, kernel, d_x)) return;
  own_conv(backward_gather(geometry, d_x.shape(), kernel.shape(), d_y.shape()), d_y, kernel, d_x);
}

void kernel_grad_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &d_y = call.inputs[1];
  Tensor& d_kernel = call.outputs[0];
  if (d_kernel.elements() == 0) return;
  const ConvGeometry& geometry = call.op<op::ConvKernelGrad>().geometry;
  if (cudnn_conv_kernel_gradient(geometry, x, d_y, d_kernel)) return;
  own_conv_kernel_gradient(forward_gather(geometry, x.shape(), d_kernel.shape(), d_y.shape()), x, d_y, d_kernel);
}

}  // namespace

void register_cuda_conv(KernelTable& table) {
  table.add<op::Conv>(conv_kernel, all_floats);
  table.add<op::FusedConv>(fused_conv_kernel, all_floats);
  table.add<op::ConvInputGrad>(input_grad_kernel, all_floats);
  table.add<op::ConvKernelGrad>(kernel_grad_kernel, all_floats);
}

}  // namespace weft::cuda
