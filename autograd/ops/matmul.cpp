#include <weft/autograd/ops/matmul.hpp>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// The dtype in which two factors are multiplied; booleans count as int32.
DType product_dtype(DType a, DType b) {
  DType dtype = promote(a, b);
  return dtype == DType::boolean ? DType::int32 : dtype;
}

Tensor transposed(const Tensor& matrix) { return swapaxes(matrix, -1, -2); }

/// [..., n] as a matrix.
Tensor as_rows(const Tensor& x) {
  return x.rank() == 2 ? x : reshape(x, {x.shape().slice(0, x.rank() - 1).elements(), x.shape().back()});
}

Specs matmul_shape(const op::Matmul&, std::span<const Spec> in) {
  const Shape &a = in[0].shape, &b = in[1].shape;
  expect_number("matmul", in[0]);
  expect_same_dtype("matmul", in[0], in[1]);
  if (a.rank() < 2 || b.rank() < 2 || a.back() != b[b.rank() - 2])
    throw ShapeError("matmul: expected [batch..., M, K] and [batch..., K, N], got " + to_string(a) + " and " +
                     to_string(b));
  Shape out = broadcast_shapes(a.slice(0, a.rank() - 2), b.slice(0, b.rank() - 2), "matmul (batch axes)");
  out.push_back(a[a.rank() - 2]);
  out.push_back(b.back());
  return {{out, in[0].dtype}};
}

Tensors matmul_grad(const op::Matmul&, const GradCall& call) {
  const Tensor &a = call.inputs[0], &b = call.inputs[1], &g = call.cotangent();
  Tensors result(2);
  if (call.wants(0)) result[0] = sum_to(matmul(g, transposed(b)), a.shape());
  // One matrix against a batch: its gradient is one product over all rows, not a sum of products.
  if (call.wants(1))
    result[1] =
        b.rank() == 2 ? matmul(transposed(as_rows(a)), as_rows(g)) : sum_to(matmul(transposed(a), g), b.shape());
  return result;
}

Flops matmul_flops(const op::Matmul&, std::span<const Spec> in, std::span<const Spec> out) {
  return 2.0 * static_cast<Flops>(out[0].shape.elements()) * static_cast<Flops>(in[0].shape.back());
}

std::vector<Sample> matmul_samples() {
  auto make = [](const Shape& a, const Shape& b) {
    return sample(op::Matmul{}, {spread(a, -1, 1), spread(b, -1, 1, 1)});
  };
  Sample transposed_view = make({7, 3}, {7, 5});
  transposed_view.inputs[0] = transposed(transposed_view.inputs[0]);
  return {
      make({3, 5}, {5, 7}),
      make({1, 1}, {1, 1}),
      make({17, 13}, {13, 29}),
      make({2, 3, 5}, {2, 5, 7}),
      make({2, 1, 3, 5}, {3, 5, 2}),
      make({5, 3, 7}, {7, 2}),
      make({3, 7}, {5, 7, 2}),
      make({3, 0}, {0, 5}),
      make({0, 3}, {3, 5}),
      make({0, 2, 3}, {0, 3, 5}),
      transposed_view,
      sample(op::Matmul{},
             {spread_integers({3, 5}, -9, 9, DType::int32), spread_integers({5, 2}, -9, 9, DType::int32, 1)}, false),
      sample(op::Matmul{},
             {spread_integers({2, 3}, -9, 9, DType::int64), spread_integers({3, 7}, -9, 9, DType::int64, 1)}, false)};
}

Specs linear_shape(const op::Linear& op, std::span<const Spec> in) {
  const Shape &x = in[0].shape, &kernel = in[1].shape;
  expect_number("linear", in[0]);
  expect_same_dtype("linear", in[0], in[1]);
  if (kernel.rank() != 2) throw ShapeError("linear: expected a kernel [in, out], got shape " + to_string(kernel));
  if (x.rank() < 1 || x.back() != kernel[0])
    throw ShapeError("linear: expected inputs with " + std::to_string(kernel[0]) + " features, got " + to_string(x));
  if (op.has_bias) {
    expect_same_dtype("linear", in[0], in[2]);
    if (!(in[2].shape == Shape{kernel[1]}))
      throw ShapeError("linear: expected a bias of shape [" + std::to_string(kernel[1]) + "], got " +
                       to_string(in[2].shape));
  }
  Shape out = x;
  out[out.rank() - 1] = kernel[1];
  return {{out, in[0].dtype}};
}

Tensors linear_grad(const op::Linear& op, const GradCall& call) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1];
  Tensor rows = as_rows(call.cotangent());
  Tensors result(2);
  if (call.wants(0)) result[0] = reshape(matmul(rows, transposed(kernel)), x.shape());
  if (call.wants(1)) result[1] = matmul(transposed(as_rows(x)), rows);
  if (op.has_bias) result.push_back(call.wants(2) ? sum(rows, 0) : Tensor());
  return result;
}

Tensors linear_composed(const op::Linear& op, std::span<const Tensor> in) {
  Tensor y = matmul(in[0], in[1]);
  return {op.has_bias ? add(y, in[2]) : y};
}

Flops linear_flops(const op::Linear& op, std::span<const Spec> in, std::span<const Spec> out) {
  return static_cast<Flops>(out[0].shape.elements()) * (2.0 * static_cast<Flops>(in[1].shape[0]) + op.has_bias);
}

std::vector<Sample> linear_samples() {
  auto make = [](const Shape& x, int64_t out, bool bias) {
    Tensors inputs{spread(x, -1, 1), spread({x.back(), out}, -1, 1, 1)};
    if (bias) inputs.push_back(spread({out}, -1, 1, 2));
    return sample(op::Linear{bias}, inputs);
  };
  return {make({3, 5}, 7, true), make({3, 5}, 7, false), make({2, 3, 5}, 11, true), make({5}, 3, true),
          make({0, 5}, 3, true), make({3, 0}, 5, true),  make({31, 17}, 37, true)};
}

Specs fused_shape(const op::FusedMatmul& op, std::span<const Spec> in) {
  constexpr auto name = op::FusedMatmul::name;
  expect_float(name, in[0]);
  const bool linear = in[1].shape.rank() == 2;
  const Spec out =
      linear ? linear_shape({op.has_bias}, in.first(2 + size_t{op.has_bias}))[0] : matmul_shape({}, in.first(2))[0];
  if (!linear && op.has_bias) {
    expect_same_dtype(name, in[0], in[2]);
    expect_same_shape(name, {{out.shape.back()}, out.dtype}, in[2]);
  }
  if (op.has_residual) {
    const Spec& residual = in[2 + size_t{op.has_bias}];
    expect_same_dtype(name, in[0], residual);
    expect_same_shape(name, out, residual);
  }
  return Specs(op.keeps_product ? 2 : 1, out);
}

Tensor activated(op::Activation activation, const Tensor& x) {
  switch (activation) {
    case op::Activation::none: return x;
    case op::Activation::relu: return relu(x);
    case op::Activation::gelu_tanh: return gelu(x, true);
    case op::Activation::gelu_erf: return gelu(x, false);
    case op::Activation::silu: return silu(x);
    case op::Activation::sigmoid: return sigmoid(x);
    case op::Activation::tanh: return tanh(x);
  }
  throw ValueError("fused_matmul: expected an activation of op::Activation, got " +
                   std::to_string(static_cast<int>(activation)));
}

Tensors fused_composed(const op::FusedMatmul& op, std::span<const Tensor> in) {
  Tensor product;
  if (in[1].rank() == 2) product = linear(in[0], in[1], op.has_bias ? in[2] : Tensor());
  else product = op.has_bias ? add(matmul(in[0], in[1]), in[2]) : matmul(in[0], in[1]);
  Tensor y = activated(op.activation, product);
  if (op.has_residual) y = add(y, in[2 + size_t{op.has_bias}]);
  return op.keeps_product ? Tensors{y, product} : Tensors{y};
}

Flops fused_flops(const op::FusedMatmul& op, std::span<const Spec> in, std::span<const Spec> out) {
  const int once = op.has_bias + op.has_residual + (op.activation != op::Activation::none);
  return static_cast<Flops>(out[0].shape.elements()) * (2.0 * static_cast<Flops>(in[0].shape.back()) + once);
}

std::vector<Sample> fused_samples() {
  auto make = [](const op::FusedMatmul& op, const Shape& a, const Shape& b) {
    Tensors inputs{spread(a, -1, 1), spread(b, -1, 1, 1)};
    if (op.has_bias) inputs.push_back(spread({b.back()}, -1, 1, 2));
    const Shape out = fused_shape({}, std::vector<Spec>{inputs[0].spec(), inputs[1].spec()})[0].shape;
    if (op.has_residual) inputs.push_back(spread(out, -1, 1, 3));
    return sample(op, inputs);
  };
  using enum op::Activation;
  return {make({true, true, gelu_tanh, true}, {3, 5}, {5, 7}),
          make({true, false, relu, false}, {2, 3, 5}, {5, 7}),
          make({true, false, gelu_erf, true}, {13, 17}, {17, 29}),
          make({true, true, silu, false}, {2, 3, 5}, {2, 5, 7}),
          make({true, false, sigmoid, true}, {2, 1, 3, 5}, {3, 5, 2}),
          make({false, true, tanh, false}, {5}, {5, 3}),
          make({false, true, none, false}, {7, 3}, {3, 1}),
          make({true, false, none, true}, {1, 11}, {11, 13}),
          make({true, true, relu, true}, {0, 5}, {5, 3}),
          make({true, true, tanh, true}, {3, 0}, {0, 5}),
          make({false, false, none, false}, {3, 2}, {2, 3})};
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.rank() == 0 || b.rank() == 0)
    throw ShapeError("matmul: expected at least one axis each, got " + to_string(a.shape()) + " and " +
                     to_string(b.shape()));
  DType dtype = product_dtype(a.dtype(), b.dtype());
  Tensor left = cast(a, dtype), right = cast(b, dtype);
  if (a.rank() == 1) left = expand_dims(left, 0);
  if (b.rank() == 1) right = expand_dims(right, 1);
  if (left.shape().back() != right.shape()[right.rank() - 2])
    throw ShapeError("matmul: expected as many elements along the last axis of a as along " +
                     std::string(b.rank() == 1 ? "that" : "the last but one") + " of b, got " + to_string(a.shape()) +
                     " and " + to_string(b.shape()));
  Tensor out = apply(op::Matmul{}, {left, right});
  if (b.rank() == 1) out = squeeze(out, -1);
  if (a.rank() == 1) out = squeeze(out, b.rank() == 1 ? -1 : -2);
  return out;
}

Tensor linear(const Tensor& x, const Tensor& kernel, const Tensor& bias) {
  DType dtype = product_dtype(x.dtype(), kernel.dtype());
  if (!bias.defined()) return apply(op::Linear{false}, {cast(x, dtype), cast(kernel, dtype)});
  dtype = product_dtype(dtype, bias.dtype());
  return apply(op::Linear{true}, {cast(x, dtype), cast(kernel, dtype), cast(bias, dtype)});
}

void define_matmul() {
  define_primitive<op::Matmul>({.shape = matmul_shape,
                                .grad = matmul_grad,
                                .samples = matmul_samples,
                                .saved_inputs = 0b11,
                                .flops = matmul_flops});
  define_primitive<op::Linear>({.shape = linear_shape,
                                .grad = linear_grad,
                                .composed = linear_composed,
                                .samples = linear_samples,
                                .saved_inputs = 0b11,
                                .flops = linear_flops});
  define_primitive<op::FusedMatmul>(
      {.shape = fused_shape, .composed = fused_composed, .samples = fused_samples, .flops = fused_flops});
}

}  // namespace weft
