#include <weft/autograd/ops/norm.hpp>

#include <string>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void expect_vector(const char* op, const char* what, const Spec& x, const Spec& vector) {
  expect_same_dtype(op, x, vector);
  if (!(vector.shape == Shape{x.shape.back()}))
    throw ShapeError(std::string(op) + ": expected a " + what + " of shape [" + std::to_string(x.shape.back()) +
                     "], got " + to_string(vector.shape));
}

void expect_features(const char* op, const Spec& x) {
  expect_float(op, x);
  if (x.shape.rank() < 1) throw ShapeError(std::string(op) + ": expected [..., features], got a scalar");
}

/// x without its mean, times 1 / sqrt(variance + epsilon), and that factor.
struct Standardized {
  Tensor normal, factor;
};
Standardized standardize(const op::LayerNorm& op, const Tensor& x) {
  Tensor centered = op.centered ? x - mean(x, -1, true) : x;
  Tensor factor = rsqrt(mean(square(centered), -1, true) + op.epsilon);
  return {centered * factor, factor};
}

Specs norm_shape(const op::LayerNorm& op, std::span<const Spec> in) {
  expect_features("layer_norm", in[0]);
  if (op.has_scale) expect_vector("layer_norm", "scale", in[0], in[1]);
  if (op.has_bias) expect_vector("layer_norm", "bias", in[0], in[1 + op.has_scale]);
  return {in[0]};
}

Tensors norm_grad(const op::LayerNorm& op, const GradCall& call) {
  std::vector<Tensor> inputs{call.cotangent(), call.inputs[0]};
  if (op.has_scale) inputs.push_back(call.inputs[1]);
  return apply_all(op::LayerNormGrad{op}, inputs);
}

Tensors norm_composed(const op::LayerNorm& op, std::span<const Tensor> in) {
  Tensor y = standardize(op, in[0]).normal;
  if (op.has_scale) y = y * in[1];
  if (op.has_bias) y = y + in[1 + op.has_scale];
  return {y};
}

Specs grad_shape(const op::LayerNormGrad& op, std::span<const Spec> in) {
  expect_features("layer_norm_grad", in[0]);
  expect_same_dtype("layer_norm_grad", in[0], in[1]);
  expect_same_shape("layer_norm_grad", in[0], in[1]);
  if (op.forward.has_scale) expect_vector("layer_norm_grad", "scale", in[0], in[2]);
  if (op.passes) {
    expect_same_dtype("layer_norm_grad", in[0], in.back());
    expect_same_shape("layer_norm_grad", in[0], in.back());
  }
  const Spec vector{{in[0].shape.back()}, in[0].dtype};
  Specs specs{in[1]};
  if (op.forward.has_scale) specs.push_back(vector);
  if (op.forward.has_bias) specs.push_back(vector);
  return specs;
}

Tensors grad_composed(const op::LayerNormGrad& op, std::span<const Tensor> in) {
  const Tensor &d_y = in[0], &x = in[1];
  const Shape features{x.shape().back()};
  Standardized s = standardize(op.forward, x);
  Tensor g = op.forward.has_scale ? d_y * in[2] : d_y;
  Tensor d_x = g - s.normal * mean(g * s.normal, -1, true);
  if (op.forward.centered) d_x = d_x - mean(g, -1, true);
  d_x = d_x * s.factor;
  Tensors result{op.passes ? d_x + in.back() : d_x};
  if (op.forward.has_scale) result.push_back(sum_to(d_y * s.normal, features));
  if (op.forward.has_bias) result.push_back(sum_to(d_y, features));
  return result;
}

/// The inputs without the residual.
std::span<const Spec> norm_inputs(std::span<const Spec> in) { return in.subspan(1); }

Specs add_norm_shape(const op::AddLayerNorm& op, std::span<const Spec> in) {
  expect_same_dtype("add_layer_norm", in[0], in[1]);
  expect_same_shape("add_layer_norm", in[0], in[1]);
  Specs normal = norm_shape(op.norm, norm_inputs(in));
  return {in[0], normal[0]};
}

Tensors add_norm_grad(const op::AddLayerNorm& op, const GradCall& call) {
  std::vector<Tensor> inputs{call.cotangents[1], call.outputs[0]};
  if (op.norm.has_scale) inputs.push_back(call.inputs[2]);
  inputs.push_back(call.cotangents[0]);
  Tensors result = apply_all(op::LayerNormGrad{op.norm, true}, inputs);
  result.insert(result.begin(), result[0]);
  return result;
}

Tensors add_norm_composed(const op::AddLayerNorm& op, std::span<const Tensor> in) {
  std::vector<Tensor> inputs{in[0] + in[1]};
  inputs.insert(inputs.end(), in.begin() + 2, in.end());
  return {inputs[0], norm_composed(op.norm, inputs)[0]};
}

std::vector<std::pair<op::LayerNorm, Shape>> examples() {
  return {{{1e-6, true, true, true}, {3, 7}},   {{1e-6, true, true, false}, {2, 3, 5}},
          {{1e-5, true, false, true}, {5, 3}},  {{1e-6, true, false, false}, {11}},
          {{1e-6, false, true, false}, {5, 7}}, {{1e-2, false, false, false}, {2, 13}},
          {{1e-6, true, true, true}, {0, 5}},   {{1e-6, true, true, true}, {19, 37}},
          {{1e-6, false, true, true}, {131, 3}}};
}

std::vector<Sample> norm_samples() {
  std::vector<Sample> samples;
  for (const auto& [op, shape] : examples()) {
    Tensors inputs{spread(shape, -2, 3)};
    if (op.has_scale) inputs.push_back(spread({shape.back()}, 0.5, 2, 1));
    if (op.has_bias) inputs.push_back(spread({shape.back()}, -1, 1, 2));
    samples.push_back(sample(op, inputs));
  }
  return samples;
}

std::vector<Sample> grad_samples() {
  std::vector<Sample> samples;
  for (const auto& [op, shape] : examples()) {
    Tensors inputs{spread(shape, -1, 1, 3), spread(shape, -2, 3)};
    if (op.has_scale) inputs.push_back(spread({shape.back()}, 0.5, 2, 1));
    samples.push_back(sample(op::LayerNormGrad{op}, inputs));
    inputs.push_back(spread(shape, -1, 2, 4));
    samples.push_back(sample(op::LayerNormGrad{op, true}, inputs));
  }
  return samples;
}

std::vector<Sample> add_norm_samples() {
  std::vector<Sample> samples;
  for (const auto& [op, shape] : examples()) {
    Tensors inputs{spread(shape, -2, 3), spread(shape, -1, 1, 3)};
    if (op.has_scale) inputs.push_back(spread({shape.back()}, 0.5, 2, 1));
    if (op.has_bias) inputs.push_back(spread({shape.back()}, -1, 1, 2));
    samples.push_back(sample(op::AddLayerNorm{op}, inputs));
  }
  return samples;
}

/// The fused form; `scale` and `bias` may be undefined.
Tensor last_axis_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon, bool centered) {
  std::vector<Tensor> inputs{x};
  if (scale.defined()) inputs.push_back(scale);
  if (bias.defined()) inputs.push_back(bias);
  return weft::apply(op::LayerNorm{epsilon, centered, scale.defined(), bias.defined()},
                     std::span<const Tensor>(inputs));
}

bool is_vector_or_none(const Tensor& tensor, int64_t features) {
  return !tensor.defined() || tensor.shape() == Shape{features};
}

Tensor with_dtype(const Tensor& tensor, DType dtype) { return tensor.defined() ? cast(tensor, dtype) : tensor; }

Tensor norm_over(const char* name, const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon,
                 const Shape& axes, bool centered) {
  DType dtype = at_least_float(x.dtype());
  for (const Tensor& vector : {scale, bias})
    if (vector.defined()) dtype = promote(dtype, vector.dtype());
  Tensor input = cast(x, dtype), factor = with_dtype(scale, dtype), offset = with_dtype(bias, dtype);
  const Shape over = normalize_axes(axes, x.shape(), name);
  for (const Tensor& vector : {scale, bias})
    if (vector.defined() && !(broadcast_shapes(x.shape(), vector.shape(), name) == x.shape()))
      throw ShapeError(std::string(name) + ": expected scale and bias that broadcast to " + to_string(x.shape()) +
                       ", got " + to_string(vector.shape()));
  if (x.rank() > 0 && over == Shape{x.rank() - 1} && is_vector_or_none(scale, x.shape().back()) &&
      is_vector_or_none(bias, x.shape().back()))
    return last_axis_norm(input, factor, offset, epsilon, centered);
  if (centered) {
    Moments statistics = moments(input, over);
    return normalize(input, statistics.mean, statistics.variance, factor, offset, epsilon);
  }
  Tensor y = input * rsqrt(mean(square(input), over, true) + epsilon);
  if (factor.defined()) y = y * factor;
  return offset.defined() ? y + offset : y;
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon, const Shape& axes) {
  return norm_over("layer_norm", x, scale, bias, epsilon, axes, true);
}

Tensor rms_norm(const Tensor& x, const Tensor& scale, double epsilon, const Shape& axes) {
  return norm_over("rms_norm", x, scale, Tensor(), epsilon, axes, false);
}

Normalized add_layer_norm(const Tensor& x, const Tensor& residual, const Tensor& scale, const Tensor& bias,
                          double epsilon) {
  DType dtype = promote(at_least_float(x.dtype()), residual.dtype());
  for (const Tensor& vector : {scale, bias})
    if (vector.defined()) dtype = promote(dtype, vector.dtype());
  std::vector<Tensor> inputs{cast(x, dtype), cast(residual, dtype)};
  for (const Tensor& vector : {scale, bias})
    if (vector.defined()) inputs.push_back(cast(vector, dtype));
  Tensors result = apply_all(op::AddLayerNorm{{epsilon, true, scale.defined(), bias.defined()}}, inputs);
  return {result[0], result[1]};
}

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& scale, const Tensor& bias, double epsilon) {
  if (x.rank() < 2 || groups < 1 || x.shape().back() % groups != 0)
    throw ShapeError("group_norm: expected [batch, space..., features] with features that " + std::to_string(groups) +
                     " groups divide, got " + to_string(x.shape()));
  Tensor input = cast(x, at_least_float(x.dtype()));
  Shape apart = x.shape();
  apart[x.rank() - 1] = groups;
  apart.push_back(x.shape().back() / groups);
  Shape axes;
  for (int axis = 1; axis < apart.rank(); ++axis)
    if (axis != x.rank() - 1) axes.push_back(axis);
  Tensor y = reshape(layer_norm(reshape(input, apart), Tensor(), Tensor(), epsilon, axes), x.shape());
  if (scale.defined()) y = y * scale;
  return bias.defined() ? y + bias : y;
}

Moments moments(const Tensor& x, const Shape& axes, const Tensor& where) {
  Tensor average = mean(x, axes, true, where);
  return {average, mean(square(x - average), axes, true, where)};
}

Tensor normalize(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& scale, const Tensor& bias,
                 double epsilon) {
  Tensor factor = rsqrt(variance + epsilon);
  if (scale.defined()) factor = factor * scale;
  Tensor y = (x - mean) * factor;
  return bias.defined() ? y + bias : y;
}

void define_norm() {
  define_primitive<op::LayerNorm>({.shape = norm_shape,
                                   .grad = norm_grad,
                                   .composed = norm_composed,
                                   .samples = norm_samples,
                                   .saved_inputs = 0b11,
                                   .flops = [](const op::LayerNorm&, std::span<const Spec>, std::span<const Spec> out) {
                                     return 8.0 * static_cast<Flops>(out[0].shape.elements());
                                   }});
  define_primitive<op::AddLayerNorm>(
      {.shape = add_norm_shape,
       .grad = add_norm_grad,
       .composed = add_norm_composed,
       .samples = add_norm_samples,
       .saved_inputs = 0b100,
       .saved_outputs = 0b1,
       .flops = [](const op::AddLayerNorm&, std::span<const Spec>, std::span<const Spec> out) {
         return 9.0 * static_cast<Flops>(out[0].shape.elements());
       }});
  define_primitive<op::LayerNormGrad>(
      {.shape = grad_shape,
       .composed = grad_composed,
       .samples = grad_samples,
       .flops = [](const op::LayerNormGrad&, std::span<const Spec>, std::span<const Spec> out) {
         return 16.0 * static_cast<Flops>(out[0].shape.elements());
       }});
}

}  // namespace weft
