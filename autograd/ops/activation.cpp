#include <weft/autograd/ops/activation.hpp>

#include <numbers>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

template <class Op> Specs unary_shape(const Op&, std::span<const Spec> in) {
  expect_float(Op::name, in[0]);
  return {in[0]};
}

/// Inputs: x and the cotangent.
template <class Op> Specs grad_shape(const Op&, std::span<const Spec> in) {
  expect_float(Op::name, in[0]);
  expect_same_dtype(Op::name, in[0], in[1]);
  expect_same_shape(Op::name, in[0], in[1]);
  return {in[0]};
}

template <class Op> std::vector<Sample> unary_samples(const Op& op) {
  return {sample(op, {spread({3, 67}, -5, 5)}), sample(op, {spread({}, -3, 3)}), sample(op, {spread({0, 5}, -3, 3)}),
          sample(op, {spread({2, 1, 7}, -9, 9)})};
}

template <class Op> std::vector<Sample> grad_samples(const Op& op) {
  return {sample(op, {spread({3, 67}, -5, 5), spread({3, 67}, -1, 1, 1)}),
          sample(op, {spread({}, -3, 3), spread({}, -1, 1, 1)}),
          sample(op, {spread({0, 5}, -3, 3), spread({0, 5}, -1, 1)})};
}

std::vector<Sample> joined(std::vector<Sample> a, const std::vector<Sample>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Tensors gelu_grad_composed(const op::GeluGrad& op, std::span<const Tensor> in) {
  const Tensor &x = in[0], &g = in[1];
  if (!op.approximate) {
    Tensor density = exp(square(x) * -0.5) * (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
    return {g * (erfc(x * (-0.5 * std::numbers::sqrt2)) * 0.5 + x * density)};
  }
  constexpr double rate = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, cubic = 0.044715;
  Tensor squared = square(x);
  Tensor t = tanh(x * (squared * (rate * cubic) + rate));
  return {g * ((t + 1) * 0.5 + x * 0.5 * (1 - square(t)) * (squared * (3 * rate * cubic) + rate))};
}

Tensors silu_grad_composed(const op::SiluGrad&, std::span<const Tensor> in) {
  Tensor s = sigmoid(in[0]);
  return {in[1] * (s * (in[0] * (1 - s) + 1))};
}

Tensor as_float(const Tensor& x) { return cast(x, at_least_float(x.dtype())); }

/// 0 where x is positive: keeps the infinities of a side not taken out of gradients.
Tensor negative_part(const Tensor& x, const Tensor& is_positive) { return where(is_positive, 0, x); }

}  // namespace

void define_activation() {
  define_primitive<op::Gelu>({
      .shape = unary_shape<op::Gelu>,
      .grad = [](const op::Gelu& op, const GradCall& c) -> Tensors {
        return {apply(op::GeluGrad{op.approximate}, {c.inputs[0], c.cotangent()})};
      },
      .samples = [] { return joined(unary_samples(op::Gelu{true}), unary_samples(op::Gelu{false})); },
      .saved_inputs = 1,
      .elementwise = true,
  });
  define_primitive<op::GeluGrad>({
      .shape = grad_shape<op::GeluGrad>,
      .composed = gelu_grad_composed,
      .samples = [] { return joined(grad_samples(op::GeluGrad{true}), grad_samples(op::GeluGrad{false})); },
      .elementwise = true,
  });
  define_primitive<op::Silu>({
      .shape = unary_shape<op::Silu>,
      .grad = [](const op::Silu&, const GradCall& c) -> Tensors {
        return {apply(op::SiluGrad{}, {c.inputs[0], c.cotangent()})};
      },
      .samples = [] { return unary_samples(op::Silu{}); },
      .saved_inputs = 1,
      .elementwise = true,
  });
  define_primitive<op::SiluGrad>({
      .shape = grad_shape<op::SiluGrad>,
      .composed = silu_grad_composed,
      .samples = [] { return grad_samples(op::SiluGrad{}); },
      .elementwise = true,
  });
}

Tensor identity(const Tensor& x) { return x; }
Tensor gelu(const Tensor& x, bool approximate) { return apply(op::Gelu{approximate}, {as_float(x)}); }
Tensor silu(const Tensor& x) { return apply(op::Silu{}, {as_float(x)}); }

Tensor relu6(const Tensor& x) { return where(x >= 6, 6, relu(x)); }
Tensor leaky_relu(const Tensor& x, double negative_slope) { return where(x >= 0, x, x * negative_slope); }
Tensor prelu(const Tensor& x, const Tensor& negative_slope) { return where(x >= 0, x, x * negative_slope); }

Tensor elu(const Tensor& x, double alpha) {
  Tensor y = as_float(x), is_positive = y > 0;
  return where(is_positive, y, expm1(negative_part(y, is_positive)) * alpha);
}

Tensor celu(const Tensor& x, double alpha) {
  Tensor y = as_float(x), is_positive = y > 0;
  return where(is_positive, y, expm1(negative_part(y, is_positive) / alpha) * alpha);
}

Tensor selu(const Tensor& x) { return elu(x, 1.6732632423543772848) * 1.0507009873554804934; }
Tensor mish(const Tensor& x) { return x * tanh(softplus(x)); }
Tensor hard_sigmoid(const Tensor& x) { return relu6(x + 3) / 6; }
Tensor hard_silu(const Tensor& x) { return x * hard_sigmoid(x); }
Tensor hard_tanh(const Tensor& x) { return where(x > 1, 1, where(x < -1, -1, x)); }
Tensor soft_sign(const Tensor& x) { return x / (abs(x) + 1); }
Tensor squareplus(const Tensor& x, double b) { return (sqrt(square(x) + b) + x) * 0.5; }

Tensor glu(const Tensor& x, int axis) {
  int at = normalize_axis(axis, x.shape(), "glu");
  int64_t extent = x.shape()[at];
  if (extent % 2 != 0)
    throw ShapeError("glu: expected an even extent along axis " + std::to_string(axis) + ", got " +
                     to_string(x.shape()));
  return slice_axis(x, at, 0, extent / 2) * sigmoid(slice_axis(x, at, extent / 2, extent));
}

Tensor standardize(const Tensor& x, int axis, double epsilon) {
  Tensor centered = x - mean(x, axis, true);
  return centered * rsqrt(mean(square(centered), axis, true) + epsilon);
}

}  // namespace weft
