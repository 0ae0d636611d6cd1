#include <weft/autograd/ops/batch_norm.hpp>

#include <string>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// Axes of x but the last.
Shape rows_of(const Tensor& x) {
  Shape axes;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) axes.push_back(axis);
  return axes;
}

/// The mean over the rows; x itself where it has none to average over.
Tensor mean_of_rows(const Tensor& x) { return x.rank() > 1 ? mean(x, rows_of(x)) : x; }

void expect_features(std::string_view op, const Spec& x) {
  expect_float(op, x);
  if (x.shape.rank() < 1) throw ShapeError(std::string(op) + ": expected [..., features], got a scalar");
}

/// Inputs [features], of x's dtype.
void expect_vectors(std::string_view op, const Spec& x, std::span<const Spec> vectors) {
  for (const Spec& vector : vectors) {
    expect_same_dtype(op, x, vector);
    if (!(vector.shape == Shape{x.shape.back()}))
      throw ShapeError(std::string(op) + ": expected statistics, scale and bias of shape [" +
                       std::to_string(x.shape.back()) + "], got " + to_string(vector.shape));
  }
}

Specs norm_shape(const op::BatchNorm& op, std::span<const Spec> in) {
  expect_features("batch_norm", in[0]);
  expect_vectors("batch_norm", in[0], in.subspan(1, size_t{op.has_scale} + op.has_bias));
  const Spec vector{{in[0].shape.back()}, in[0].dtype};
  return {in[0], vector, vector};
}

Tensors norm_composed(const op::BatchNorm& op, std::span<const Tensor> in) {
  const Tensor& x = in[0];
  Tensor average = mean_of_rows(x), variance = mean_of_rows(square(x - average));
  return {normalize(x, average, variance, op.has_scale ? in[1] : Tensor(),
                    op.has_bias ? in[1 + size_t{op.has_scale}] : Tensor(), op.epsilon),
          average, variance};
}

Tensors norm_grad(const op::BatchNorm& op, const GradCall& call) {
  Tensors inputs(call.cotangents.begin(), call.cotangents.end());
  inputs.push_back(call.inputs[0]);
  inputs.push_back(call.outputs[1]);
  inputs.push_back(call.outputs[2]);
  if (op.has_scale) inputs.push_back(call.inputs[1]);
  return apply_all(op::BatchNormGrad{op}, inputs);
}

Specs grad_shape(const op::BatchNormGrad& op, std::span<const Spec> in) {
  const std::string_view name = "batch_norm_grad";
  expect_features(name, in[0]);
  expect_same_dtype(name, in[0], in[3]);
  expect_same_shape(name, in[0], in[3]);
  expect_vectors(name, in[0], in.subspan(1, 2));
  expect_vectors(name, in[0], in.subspan(4, 2 + size_t{op.forward.has_scale}));
  const Spec vector{{in[0].shape.back()}, in[0].dtype};
  Specs specs{in[3]};
  if (op.forward.has_scale) specs.push_back(vector);
  if (op.forward.has_bias) specs.push_back(vector);
  return specs;
}

Tensors grad_composed(const op::BatchNormGrad& op, std::span<const Tensor> in) {
  const Tensor &d_y = in[0], &x = in[3];
  const Shape features{x.shape().back()};
  const double rows = static_cast<double>(x.shape().slice(0, x.rank() - 1).elements());
  Tensor centered = x - in[4], factor = rsqrt(in[5] + op.forward.epsilon), normal = centered * factor;
  Tensor d_bias = sum_to(d_y, features), d_scale = sum_to(d_y * normal, features);
  Tensor d_x = d_y - d_bias / rows - normal * (d_scale / rows);
  d_x = d_x * (op.forward.has_scale ? factor * in[6] : factor) + in[1] / rows + centered * (in[2] * (2 / rows));
  Tensors result{d_x};
  if (op.forward.has_scale) result.push_back(d_scale);
  if (op.forward.has_bias) result.push_back(d_bias);
  return result;
}

Specs feature_shape(const op::FeatureNorm& op, std::span<const Spec> in) {
  expect_features("feature_norm", in[0]);
  expect_vectors("feature_norm", in[0], in.subspan(1, 2 + size_t{op.has_scale} + op.has_bias));
  return {in[0]};
}

Tensors feature_composed(const op::FeatureNorm& op, std::span<const Tensor> in) {
  return {normalize(in[0], in[1], in[2], op.has_scale ? in[3] : Tensor(),
                    op.has_bias ? in[3 + size_t{op.has_scale}] : Tensor(), op.epsilon)};
}

std::vector<std::pair<op::BatchNorm, Shape>> examples() {
  return {{{1e-5, true, true}, {7, 3}},     {{1e-5, true, false}, {2, 3, 5}}, {{1e-3, false, true}, {5, 2, 3}},
          {{1e-5, false, false}, {11, 1}},  {{1e-5, true, true}, {37, 19}},   {{1e-5, true, true}, {131, 3}},
          {{1e-2, true, true}, {2, 1, 17}}, {{1e-5, true, true}, {5, 0}}};
}

Tensor vector_of(const Shape& shape, double low, double high, int salt) {
  return spread({shape.back()}, low, high, salt);
}

std::vector<Sample> norm_samples() {
  std::vector<Sample> samples;
  for (const auto& [op, shape] : examples()) {
    Tensors inputs{spread(shape, -2, 3)};
    if (op.has_scale) inputs.push_back(vector_of(shape, 0.5, 2, 1));
    if (op.has_bias) inputs.push_back(vector_of(shape, -1, 1, 2));
    samples.push_back(sample(op, inputs));
  }
  return samples;
}

std::vector<Sample> grad_samples() {
  std::vector<Sample> samples;
  for (const auto& [op, shape] : examples()) {
    Tensors inputs{spread(shape, -1, 1, 3), vector_of(shape, -1, 1, 4),   vector_of(shape, -1, 1, 5),
                   spread(shape, -2, 3),    vector_of(shape, -0.5, 1, 6), vector_of(shape, 0.5, 3, 7)};
    if (op.has_scale) inputs.push_back(vector_of(shape, 0.5, 2, 1));
    samples.push_back(sample(op::BatchNormGrad{op}, inputs));
  }
  return samples;
}

std::vector<Sample> feature_samples() {
  std::vector<Sample> samples;
  for (const auto& [op, shape] : examples()) {
    Tensors inputs{spread(shape, -2, 3), vector_of(shape, -0.5, 1, 6), vector_of(shape, 0.5, 3, 7)};
    if (op.has_scale) inputs.push_back(vector_of(shape, 0.5, 2, 1));
    if (op.has_bias) inputs.push_back(vector_of(shape, -1, 1, 2));
    samples.push_back(sample(op::FeatureNorm{op.epsilon, op.has_scale, op.has_bias}, inputs));
  }
  return samples;
}

/// The tensors that are defined, in one dtype.
Tensors promoted(std::initializer_list<Tensor> tensors) {
  Tensors defined;
  DType dtype = at_least_float(tensors.begin()->dtype());
  for (const Tensor& tensor : tensors)
    if (tensor.defined()) dtype = promote(dtype, tensor.dtype());
  for (const Tensor& tensor : tensors)
    if (tensor.defined()) defined.push_back(cast(tensor, dtype));
  return defined;
}

template <int per_element, class Op> Flops norm_flops(const Op&, std::span<const Spec>, std::span<const Spec> out) {
  return per_element * static_cast<Flops>(out[0].shape.elements());
}

}  // namespace

BatchNormResult batch_norm(const Tensor& x, const Tensor& scale, const Tensor& bias, double epsilon) {
  Tensors out = apply_all(op::BatchNorm{epsilon, scale.defined(), bias.defined()}, promoted({x, scale, bias}));
  return {out[0], out[1], out[2]};
}

Tensor feature_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& scale,
                    const Tensor& bias, double epsilon) {
  return apply_all(op::FeatureNorm{epsilon, scale.defined(), bias.defined()},
                   promoted({x, mean, variance, scale, bias}))[0];
}

void define_batch_norm() {
  define_primitive<op::BatchNorm>({.shape = norm_shape,
                                   .grad = norm_grad,
                                   .composed = norm_composed,
                                   .samples = norm_samples,
                                   .saved_inputs = 0b11,
                                   .saved_outputs = 0b110,
                                   .flops = norm_flops<8, op::BatchNorm>});
  define_primitive<op::BatchNormGrad>({.shape = grad_shape,
                                       .composed = grad_composed,
                                       .samples = grad_samples,
                                       .flops = norm_flops<9, op::BatchNormGrad>});
  define_primitive<op::FeatureNorm>({.shape = feature_shape,
                                     .composed = feature_composed,
                                     .samples = feature_samples,
                                     .flops = norm_flops<3, op::FeatureNorm>});
}

}  // namespace weft
