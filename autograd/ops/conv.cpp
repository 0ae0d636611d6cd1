#include <weft/autograd/ops/conv.hpp>

#include <string>

#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

[[noreturn]] void refuse(const char* expected, const Shape& x, const Shape& kernel) {
  throw ShapeError(std::string("conv: expected ") + expected + ", got x " + to_string(x) + " and kernel " +
                   to_string(kernel));
}

/// Shape of y for x [N, space..., in] and a kernel of that shape.
Shape result_shape(const ConvGeometry& g, const Shape& x, const Shape& kernel) {
  const int axes = kernel.rank() - 2;
  if (axes < 1 || axes > 3 || x.rank() != axes + 2 || g.strides.rank() != axes)
    refuse("x [N, space..., in] and kernel [window..., in / groups, out] with one to three space axes", x, kernel);
  if (g.groups < 1 || kernel[axes] * g.groups != x.back() || kernel.back() % g.groups != 0)
    refuse(("input features = " + std::to_string(g.groups) +
            " groups x the kernel's last but one axis, and output features that the groups divide")
               .c_str(),
           x, kernel);
  Shape y{x[0]};
  for (int axis = 0; axis < axes; ++axis) {
    if (kernel[axis] < 1) refuse("windows of at least one element", x, kernel);
    y.push_back(window_count(g.padded(axis, x[axis + 1]), kernel[axis], g.kernel_dilation[axis], g.strides[axis]));
  }
  y.push_back(kernel.back());
  return y;
}

Shape input_shape(const Shape& d_y, const Shape& kernel, const Shape& space, int64_t groups) {
  Shape x{d_y[0]};
  for (int64_t extent : space) x.push_back(extent);
  x.push_back(kernel[kernel.rank() - 2] * groups);
  return x;
}

Shape kernel_shape(const Shape& x, const Shape& d_y, const Shape& window, int64_t groups) {
  Shape kernel = window;
  kernel.push_back(x.back() / groups);
  kernel.push_back(d_y.back());
  return kernel;
}

void expect_cotangent(const char* op, const Shape& expected, const Shape& got) {
  if (!(expected == got))
    throw ShapeError(std::string(op) + ": expected a cotangent of shape " + to_string(expected) + ", got " +
                     to_string(got));
}

Specs conv_shape(const op::Conv& op, std::span<const Spec> in) {
  expect_float("conv", in[0]);
  expect_same_dtype("conv", in[0], in[1]);
  if (op.has_bias) {
    expect_same_dtype("conv", in[0], in[2]);
    if (!(in[2].shape == Shape{in[1].shape.back()}))
      throw ShapeError("conv: expected a bias of shape [" + std::to_string(in[1].shape.back()) + "], got " +
                       to_string(in[2].shape));
  }
  return {{result_shape(op.geometry, in[0].shape, in[1].shape), in[0].dtype}};
}

Specs fused_shape(const op::FusedConv& op, std::span<const Spec> in) {
  if (op.activation != op::Activation::none && op.activation != op::Activation::relu)
    throw ValueError("fused_conv: expected relu or no activation, got number " +
                     std::to_string(static_cast<int>(op.activation)));
  return conv_shape({op.geometry, op.has_bias}, in);
}

Specs input_grad_shape(const op::ConvInputGrad& op, std::span<const Spec> in) {
  expect_float("conv_input_grad", in[0]);
  expect_same_dtype("conv_input_grad", in[0], in[1]);
  Shape x = input_shape(in[0].shape, in[1].shape, op.space, op.geometry.groups);
  expect_cotangent("conv_input_grad", result_shape(op.geometry, x, in[1].shape), in[0].shape);
  return {{x, in[0].dtype}};
}

Specs kernel_grad_shape(const op::ConvKernelGrad& op, std::span<const Spec> in) {
  expect_float("conv_kernel_grad", in[0]);
  expect_same_dtype("conv_kernel_grad", in[0], in[1]);
  Shape kernel = kernel_shape(in[0].shape, in[1].shape, op.window, op.geometry.groups);
  expect_cotangent("conv_kernel_grad", result_shape(op.geometry, in[0].shape, kernel), in[1].shape);
  return {{kernel, in[0].dtype}};
}

Shape space_of(const Tensor& x) { return x.shape().slice(1, x.rank() - 1); }
Shape window_of(const Tensor& kernel) { return kernel.shape().slice(0, kernel.rank() - 2); }

// The three are linear in x, kernel and d_y, and each one's gradients are the other two.

Tensors conv_grad(const op::Conv& op, const GradCall& call) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1], &g = call.cotangent();
  Tensors gradients{call.wants(0) ? apply(op::ConvInputGrad{op.geometry, space_of(x)}, {g, kernel}) : Tensor(),
                    call.wants(1) ? apply(op::ConvKernelGrad{op.geometry, window_of(kernel)}, {x, g}) : Tensor()};
  if (op.has_bias) gradients.push_back(call.wants(2) ? sum_to(g, {g.shape().back()}) : Tensor());
  return gradients;
}

Tensors fused_composed(const op::FusedConv& op, std::span<const Tensor> in) {
  Tensor y = weft::apply(op::Conv{op.geometry, op.has_bias}, in);
  return {op.activation == op::Activation::relu ? relu(y) : y};
}

Tensors input_grad_grad(const op::ConvInputGrad& op, const GradCall& call) {
  const Tensor &d_y = call.inputs[0], &kernel = call.inputs[1], &g = call.cotangent();
  return {call.wants(0) ? apply(op::Conv{op.geometry}, {g, kernel}) : Tensor(),
          call.wants(1) ? apply(op::ConvKernelGrad{op.geometry, window_of(kernel)}, {g, d_y}) : Tensor()};
}

Tensors kernel_grad_grad(const op::ConvKernelGrad& op, const GradCall& call) {
  const Tensor &x = call.inputs[0], &d_y = call.inputs[1], &g = call.cotangent();
  return {call.wants(0) ? apply(op::ConvInputGrad{op.geometry, space_of(x)}, {d_y, g}) : Tensor(),
          call.wants(1) ? apply(op::Conv{op.geometry}, {x, g}) : Tensor()};
}

Flops products(const Shape& y, const Shape& kernel) {
  return 2.0 * static_cast<Flops>(y.elements()) * static_cast<Flops>(kernel.slice(0, kernel.rank() - 1).elements());
}
template <class Op> Flops conv_flops(const Op&, std::span<const Spec> in, std::span<const Spec> out) {
  return products(out[0].shape, in[1].shape);
}
Flops input_grad_flops(const op::ConvInputGrad&, std::span<const Spec> in, std::span<const Spec>) {
  return products(in[0].shape, in[1].shape);
}
Flops kernel_grad_flops(const op::ConvKernelGrad&, std::span<const Spec> in, std::span<const Spec> out) {
  return products(in[1].shape, out[0].shape);
}

struct Example {
  Shape x, kernel;
  ConvGeometry geometry;
};

std::vector<Example> examples() {
  return {{{2, 7, 3}, {3, 3, 5}, {{1}, {1}, {1}, {1}, {1}, 1}},
          {{1, 11, 2}, {3, 2, 3}, {{2}, {2}, {0}, {1}, {2}, 1}},
          {{2, 5, 4}, {2, 2, 6}, {{1}, {0}, {1}, {2}, {1}, 2}},
          {{2, 5, 7, 3}, {3, 3, 3, 5}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
          {{1, 7, 5, 3}, {3, 2, 3, 2}, {{2, 3}, {1, 0}, {0, 1}, {1, 1}, {1, 2}, 1}},
          {{2, 5, 5, 6}, {3, 3, 1, 6}, {{2, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 6}},
          {{1, 3, 5, 2}, {1, 1, 2, 3}, {{1, 2}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1}},
          {{1, 5, 3, 4, 2}, {2, 3, 2, 2, 3}, {{1, 1, 2}, {0, 1, 1}, {1, 1, 0}, {1, 1, 1}, {2, 1, 1}, 1}},
          {{0, 5, 2}, {3, 2, 3}, {{1}, {1}, {1}, {1}, {1}, 1}},
          {{2, 2, 3}, {5, 3, 2}, {{1}, {0}, {0}, {1}, {1}, 1}},
          {{2, 7, 3}, {3, 3, 2}, {{2}, {-1}, {-2}, {1}, {1}, 1}}};
}

std::vector<Sample> conv_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples())
    for (bool has_bias : {false, true}) {
      Tensors inputs{spread(e.x, -1, 1), spread(e.kernel, -1, 1, 1)};
      if (has_bias) inputs.push_back(spread({e.kernel.back()}, -1, 1, 2));
      samples.push_back(sample(op::Conv{e.geometry, has_bias}, inputs));
    }
  return samples;
}

std::vector<Sample> fused_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples()) {
    Tensor x = spread(e.x, -1, 1), kernel = spread(e.kernel, -1, 1, 1), bias = spread({e.kernel.back()}, -1, 1, 2);
    samples.push_back(sample(op::FusedConv{e.geometry, true, op::Activation::relu}, {x, kernel, bias}, false));
    samples.push_back(sample(op::FusedConv{e.geometry, false, op::Activation::relu}, {x, kernel}, false));
    samples.push_back(sample(op::FusedConv{e.geometry, true, op::Activation::none}, {x, kernel, bias}));
  }
  return samples;
}

std::vector<Sample> input_grad_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples())
    samples.push_back(sample(op::ConvInputGrad{e.geometry, e.x.slice(1, e.x.rank() - 1)},
                             {spread(result_shape(e.geometry, e.x, e.kernel), -1, 1), spread(e.kernel, -1, 1, 1)}));
  return samples;
}

std::vector<Sample> kernel_grad_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples())
    samples.push_back(sample(op::ConvKernelGrad{e.geometry, e.kernel.slice(0, e.kernel.rank() - 2)},
                             {spread(e.x, -1, 1), spread(result_shape(e.geometry, e.x, e.kernel), -1, 1, 1)}));
  return samples;
}

/// x continued beyond its border, as the padding rule has it, with one batch axis.
Tensor continued(const Tensor& x, PaddingRule rule, const PaddingAmounts& amounts) {
  std::vector<PadWidth> widths(1);
  for (int axis = 0; axis < amounts.low.rank(); ++axis) widths.emplace_back(amounts.low[axis], amounts.high[axis]);
  widths.emplace_back(0, 0);
  return pad(x, widths, rule == PaddingRule::reflect ? PadMode::reflect : PadMode::wrap);
}

}  // namespace

Tensor conv(const Tensor& x, const Tensor& kernel, const ConvArguments& arguments, const Tensor& bias) {
  const int axes = kernel.rank() - 2;
  if (axes < 1 || axes > 3 || x.rank() < axes + 1)
    refuse("x [batch..., space..., in] and kernel [window..., in / groups, out] with one to three space axes",
           x.shape(), kernel.shape());
  if (arguments.groups < 1)
    throw ValueError("conv: expected at least one group, got " + std::to_string(arguments.groups));
  DType dtype = at_least_float(promote(x.dtype(), kernel.dtype()));
  if (bias.defined()) dtype = at_least_float(promote(dtype, bias.dtype()));
  const int batch_rank = x.rank() - axes - 1;
  const Shape batch = x.shape().slice(0, batch_rank), space = x.shape().slice(batch_rank, batch_rank + axes);

  ConvGeometry g;
  g.strides = per_space_axis(arguments.strides, axes, 1, "conv", "strides");
  g.input_dilation = per_space_axis(arguments.input_dilation, axes, 1, "conv", "input dilation");
  g.kernel_dilation = per_space_axis(arguments.kernel_dilation, axes, 1, "conv", "kernel dilation");
  g.groups = arguments.groups;
  const Padding& padding = arguments.padding;
  PaddingAmounts amounts = padding_amounts(padding, space, window_of(kernel), g.strides, g.kernel_dilation, "conv");

  Shape flat{batch.elements()};
  for (int64_t extent : space) flat.push_back(extent);
  flat.push_back(x.shape().back());
  Tensor input = cast(x, dtype);
  if (batch_rank != 1) input = reshape(input, flat);
  if (padding.rule == PaddingRule::circular || padding.rule == PaddingRule::reflect) {
    input = continued(input, padding.rule, amounts);
    amounts = {Shape::filled(axes, 0), Shape::filled(axes, 0)};
  } else if (padding.rule == PaddingRule::causal) {
    amounts.low[0] *= g.input_dilation[0];  // as if the zeros were elements of x
  }
  g.low = amounts.low;
  g.high = amounts.high;
  Tensors inputs{input, cast(kernel, dtype)};
  if (bias.defined()) inputs.push_back(cast(bias, dtype));
  Tensor y = weft::apply(op::Conv{g, bias.defined()}, std::span<const Tensor>(inputs));
  if (batch_rank == 1) return y;
  Shape out = batch;
  for (int axis = 1; axis < y.rank(); ++axis) out.push_back(y.shape()[axis]);
  return reshape(y, out);
}

void define_conv() {
  define_primitive<op::Conv>(
      {.shape = conv_shape, .grad = conv_grad, .samples = conv_samples, .saved_inputs = 0b11, .flops = conv_flops});
  define_primitive<op::FusedConv>(
      {.shape = fused_shape, .composed = fused_composed, .samples = fused_samples, .flops = conv_flops});
  define_primitive<op::ConvInputGrad>({.shape = input_grad_shape,
                                       .grad = input_grad_grad,
                                       .samples = input_grad_samples,
                                       .saved_inputs = 0b11,
                                       .flops = input_grad_flops});
  define_primitive<op::ConvKernelGrad>({.shape = kernel_grad_shape,
                                        .grad = kernel_grad_grad,
                                        .samples = kernel_grad_samples,
                                        .saved_inputs = 0b11,
                                        .flops = kernel_grad_flops});
}

}  // namespace weft
