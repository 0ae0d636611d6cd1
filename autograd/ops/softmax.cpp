#include <weft/autograd/ops/softmax.hpp>

#include <limits>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

template <class Op> void expect_axis(const Op& op, const Spec& spec) {
  if (op.axis < 0 || op.axis >= spec.shape.rank())
    throw ShapeError(std::string(Op::name) + ": axis " + std::to_string(op.axis) + " out of range for shape " +
                     to_string(spec.shape));
}

template <class Op> Specs forward_shape(const Op& op, std::span<const Spec> in) {
  expect_float(Op::name, in[0]);
  expect_axis(op, in[0]);
  return {in[0]};
}

template <class Op> Specs grad_shape(const Op& op, std::span<const Spec> in) {
  expect_float(Op::name, in[0]);
  expect_same_dtype(Op::name, in[0], in[1]);
  expect_same_shape(Op::name, in[0], in[1]);
  expect_axis(op, in[0]);
  return {in[0]};
}

template <class Op> Flops several_each(const Op&, std::span<const Spec>, std::span<const Spec> outputs) {
  return 5.0 * static_cast<Flops>(outputs[0].shape.elements());
}

const std::vector<std::pair<Shape, int>>& cases() {
  static const std::vector<std::pair<Shape, int>> list = {{{3, 67}, 1},    {{5, 7}, 0}, {{2, 5, 3}, 1},
                                                          {{7}, 0},        {{1, 1}, 1}, {{2, 130}, 1},
                                                          {{3, 2, 19}, 0}, {{0, 3}, 1}, {{3, 0}, 1}};
  return list;
}

template <class Op> std::vector<Sample> forward_samples() {
  std::vector<Sample> samples;
  for (const auto& [shape, axis] : cases()) samples.push_back(sample(Op{axis}, {spread(shape, -4, 4)}));
  return samples;
}

template <class Op> std::vector<Sample> grad_samples() {
  std::vector<Sample> samples;
  for (const auto& [shape, axis] : cases())
    samples.push_back(
        sample(Op{axis}, {spread(shape, std::is_same_v<Op, op::SoftmaxGrad> ? 0 : -3, 0.9), spread(shape, -1, 1, 1)}));
  return samples;
}

Tensors softmax_grad_composed(const op::SoftmaxGrad& op, std::span<const Tensor> in) {
  return {in[0] * (in[1] - sum(in[0] * in[1], op.axis, true))};
}
Tensors log_softmax_grad_composed(const op::LogSoftmaxGrad& op, std::span<const Tensor> in) {
  return {in[1] - exp(in[0]) * sum(in[1], op.axis, true)};
}

template <class Op, class Grad> Tensors fused_grad(const Op& op, const GradCall& c) {
  return {apply(Grad{op.axis}, {c.outputs[0], c.cotangent()})};
}

double lowest(DType dtype) { return dtype == DType::float16 ? -65504 : -std::numeric_limits<float>::max(); }

/// The largest element over the axes, a constant, with 0 for -inf: takes the overflow out of exp.
Tensor shift(const Tensor& x, const Axes& axes) {
  Tensor largest = stop_gradient(max(x, axes, true));
  return where(largest == -std::numeric_limits<double>::infinity(), 0, largest);
}

}  // namespace

void define_softmax() {
  define_primitive<op::Softmax>({.shape = forward_shape<op::Softmax>,
                                 .grad = fused_grad<op::Softmax, op::SoftmaxGrad>,
                                 .samples = forward_samples<op::Softmax>,
                                 .saved_outputs = 1,
                                 .flops = several_each<op::Softmax>});
  define_primitive<op::SoftmaxGrad>({.shape = grad_shape<op::SoftmaxGrad>,
                                     .composed = softmax_grad_composed,
                                     .samples = grad_samples<op::SoftmaxGrad>,
                                     .flops = several_each<op::SoftmaxGrad>});
  define_primitive<op::LogSoftmax>({.shape = forward_shape<op::LogSoftmax>,
                                    .grad = fused_grad<op::LogSoftmax, op::LogSoftmaxGrad>,
                                    .samples = forward_samples<op::LogSoftmax>,
                                    .saved_outputs = 1,
                                    .flops = several_each<op::LogSoftmax>});
  define_primitive<op::LogSoftmaxGrad>({.shape = grad_shape<op::LogSoftmaxGrad>,
                                        .composed = log_softmax_grad_composed,
                                        .samples = grad_samples<op::LogSoftmaxGrad>,
                                        .flops = several_each<op::LogSoftmaxGrad>});
}

Tensor softmax(const Tensor& x, const Axes& axes, const Tensor& mask) {
  Tensor y = cast(x, at_least_float(x.dtype()));
  if (mask.defined()) {
    // A finite number rather than -inf, so that a row without elements gives no NaN.
    Tensor kept = where(mask, y, lowest(y.dtype()));
    return where(mask, softmax(kept, axes), 0);
  }
  Shape list = axes.of(y.shape(), "softmax");
  if (list.rank() == 1) return apply(op::Softmax{static_cast<int>(list[0])}, {y});
  Tensor e = exp(y - shift(y, list));
  return e / sum(e, list, true);
}

Tensor log_softmax(const Tensor& x, const Axes& axes, const Tensor& mask) {
  Tensor y = cast(x, at_least_float(x.dtype()));
  if (mask.defined()) {
    Tensor kept = where(mask, y, lowest(y.dtype()));
    return where(mask, log_softmax(kept, axes), -std::numeric_limits<double>::infinity());
  }
  Shape list = axes.of(y.shape(), "log_softmax");
  if (list.rank() == 1) return apply(op::LogSoftmax{static_cast<int>(list[0])}, {y});
  Tensor shifted = y - shift(y, list);
  return shifted - log(sum(exp(shifted), list, true));
}

}  // namespace weft
