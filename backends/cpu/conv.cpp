#include <weft/backends/cpu/conv.hpp>

#include <weft/autograd/ops/conv.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

cpu::ConvShape conv_shape(const ConvGeometry& g, const Shape& x, const Shape& kernel, const Shape& y) {
  cpu::ConvShape shape;
  shape.axes = g.strides.rank();
  for (int axis = 0; axis < shape.axes; ++axis)
    shape.axis[axis] = {x[axis + 1],
                        kernel[axis],
                        y[axis + 1],
                        g.strides[axis],
                        g.low[axis],
                        g.input_dilation[axis],
                        g.kernel_dilation[axis]};
  shape.batch = x[0];
  shape.in_features = x.back();
  shape.out_features = y.back();
  shape.groups = g.groups;
  return shape;
}

void convolve(const KernelCall& call, const ConvGeometry& geometry, bool has_bias, bool relu) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1];
  Tensor& y = call.outputs[0];
  const cpu::ConvShape shape = conv_shape(geometry, x.shape(), kernel.shape(), y.shape());
  visit_wide_float(y.dtype(), [&]<class T>(std::type_identity<T>) {
    const cpu::ConvFinish<T> finish{has_bias ? call.inputs[2].raw_as<T>() : nullptr, relu};
    cpu::conv_forward(shape, x.raw_as<T>(), kernel.raw_as<T>(), y.mutable_raw_as<T>(), finish);
  });
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
  const auto& op = call.op<op::ConvInputGrad>();
  const cpu::ConvShape shape = conv_shape(op.geometry, d_x.shape(), kernel.shape(), d_y.shape());
  visit_wide_float(d_x.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::conv_input_gradient(shape, kernel.raw_as<T>(), d_y.raw_as<T>(), d_x.mutable_raw_as<T>());
  });
}

void kernel_grad_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &d_y = call.inputs[1];
  Tensor& d_kernel = call.outputs[0];
  const auto& op = call.op<op::ConvKernelGrad>();
  const cpu::ConvShape shape = conv_shape(op.geometry, x.shape(), d_kernel.shape(), d_y.shape());
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::conv_kernel_gradient(shape, x.raw_as<T>(), d_y.raw_as<T>(), d_kernel.mutable_raw_as<T>());
  });
}

}  // namespace

void register_cpu_conv(KernelTable& table) {
  table.add<op::Conv>(conv_kernel, wide_floats);
  table.add<op::FusedConv>(fused_conv_kernel, wide_floats);
  table.add<op::ConvInputGrad>(input_grad_kernel, wide_floats);
  table.add<op::ConvKernelGrad>(kernel_grad_kernel, wide_floats);
}

}  // namespace weft
