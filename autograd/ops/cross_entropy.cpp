#include <weft/autograd/ops/cross_entropy.hpp>

#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/softmax.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void expect_logits(std::string_view op, const Spec& logits, const Spec& labels) {
  expect_float(op, logits);
  expect_dtype(op, labels, integers, "integer classes");
  if (logits.shape.rank() < 1 || !(labels.shape == logits.shape.slice(0, logits.shape.rank() - 1)))
    throw ShapeError(std::string(op) + ": expected logits [rows..., classes] and labels [rows...], got " +
                     to_string(logits.shape) + " and " + to_string(labels.shape));
}

Specs loss_shape(const op::SoftmaxCrossEntropy& op, std::span<const Spec> in) {
  expect_logits(op.name, in[0], in[1]);
  return {{in[1].shape, in[0].dtype}};
}

Specs grad_shape(const op::SoftmaxCrossEntropyGrad& op, std::span<const Spec> in) {
  expect_logits(op.name, in[0], in[1]);
  expect_same_dtype(op.name, in[0], in[2]);
  expect_same_shape(op.name, in[1], in[2]);
  return {in[0]};
}

Tensors loss_grad(const op::SoftmaxCrossEntropy& op, const GradCall& call) {
  return {apply(op::SoftmaxCrossEntropyGrad{op.label_smoothing}, {call.inputs[0], call.inputs[1], call.cotangent()}),
          Tensor()};
}

/// The weights of the classes [rows..., classes]; NaN where the label is out of range.
Tensor weights(const Tensor& logits, const Tensor& labels, double smoothing) {
  const int64_t classes = logits.size(-1);
  Tensor hot = one_hot(labels, classes, logits.dtype());
  if (smoothing != 0) hot = (1 - smoothing) * hot + smoothing / static_cast<double>(classes);
  Tensor valid = logical_and(greater_equal(labels, 0), less(labels, classes));
  return where(expand_dims(valid, -1), hot, std::numeric_limits<double>::quiet_NaN());
}

Tensors loss_composed(const op::SoftmaxCrossEntropy& op, std::span<const Tensor> in) {
  Tensor weight = weights(in[0], in[1], op.label_smoothing);
  // A class of probability 0 and weight 0 adds nothing.
  return {negative(sum(where(weight == 0.0, 0.0, weight * log_softmax(in[0])), -1))};
}

Tensors grad_composed(const op::SoftmaxCrossEntropyGrad& op, std::span<const Tensor> in) {
  return {(softmax(in[0]) - weights(in[0], in[1], op.label_smoothing)) * expand_dims(in[2], -1)};
}

struct Case {
  Shape rows;
  int64_t classes;
  double smoothing;
  DType labels;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> list = {{{5}, 7, 0, DType::int32},     {{3, 2}, 19, 0.1, DType::int64},
                                         {{}, 67, 0, DType::int64},     {{0}, 5, 0, DType::int32},
                                         {{2}, 131, 0.3, DType::int32}, {{7}, 1, 0, DType::int32},
                                         {{3}, 4099, 0, DType::int64}};
  return list;
}

Tensors case_inputs(const Case& c) {
  Shape shape = c.rows;
  shape.push_back(c.classes);
  return {spread(shape, -4, 4), spread_integers(c.rows, 0, c.classes, c.labels)};
}

std::vector<Sample> loss_samples() {
  std::vector<Sample> samples;
  for (const Case& c : cases()) samples.push_back(sample(op::SoftmaxCrossEntropy{c.smoothing}, case_inputs(c)));
  return samples;
}

std::vector<Sample> grad_samples() {
  std::vector<Sample> samples;
  for (const Case& c : cases()) {
    Tensors inputs = case_inputs(c);
    inputs.push_back(spread(c.rows, -1, 1, 1));
    samples.push_back(sample(op::SoftmaxCrossEntropyGrad{c.smoothing}, inputs));
  }
  return samples;
}

template <class Op> Flops several_each(const Op&, std::span<const Spec> inputs, std::span<const Spec>) {
  return 5.0 * static_cast<Flops>(inputs[0].shape.elements());
}

}  // namespace

void define_cross_entropy() {
  define_primitive<op::SoftmaxCrossEntropy>({.shape = loss_shape,
                                             .grad = loss_grad,
                                             .composed = loss_composed,
                                             .samples = loss_samples,
                                             .saved_inputs = 0b11,
                                             .flops = several_each<op::SoftmaxCrossEntropy>});
  define_primitive<op::SoftmaxCrossEntropyGrad>({.shape = grad_shape,
                                                 .composed = grad_composed,
                                                 .samples = grad_samples,
                                                 .flops = several_each<op::SoftmaxCrossEntropyGrad>});
}

}  // namespace weft
