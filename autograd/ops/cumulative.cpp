#include <weft/autograd/ops/cumulative.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void expect_axis(std::string_view op, int axis, const Shape& shape) {
  if (axis < 0 || axis >= shape.rank())
    throw ShapeError(std::string(op) + ": axis " + std::to_string(axis) + " out of range for shape " +
                     to_string(shape));
}

template <class Op> Specs cumulative_shape(const Op& op, std::span<const Spec> in) {
  if (std::is_same_v<Op, op::CumLogSumExp>) expect_float(Op::name, in[0]);
  else expect_number(Op::name, in[0]);
  expect_axis(Op::name, op.axis, in[0].shape);
  return {in[0]};
}

/// y[i] = g[i] + c[i + 1] y[i + 1], or with `exclusive` y[i] = g[i + 1] + c[i + 1] y[i + 1]: how cotangents run back
/// along an axis (forward for an op that ran in `reverse`).
template <class Op> Tensor run_back(const Op& op, const Tensor& c, const Tensor& g) {
  if (op.exclusive) return linear_scan(c, g, op.axis, !op.reverse);
  return g + linear_scan(c, c * g, op.axis, !op.reverse);
}

Tensors cumsum_grad(const op::CumSum& op, const GradCall& c) {
  return {cumsum(c.cotangent(), op.axis, !op.reverse, op.exclusive)};
}

// The product before element i times what comes after it, the elements between included.
Tensors cumprod_grad(const op::CumProd& op, const GradCall& c) {
  const Tensor& x = c.inputs[0];
  return {cumprod(x, op.axis, op.reverse, true) * run_back(op, x, c.cotangent())};
}

// Element i is the extremum from its place up to the next better one; cotangents run back until then.
template <class Op> Tensors extremum_grad(const Op& op, const GradCall& c) {
  const Tensor& x = c.inputs[0];
  Tensor before = apply(Op{{op.axis, op.reverse, true}}, {x});
  Tensor is_better = cast(std::is_same_v<Op, op::CumMax> ? x > before : x < before, x.dtype());
  return {is_better * run_back(op, 1 - is_better, c.cotangent())};
}

// exp(x[i] - y[i]) times a run back by factors exp(y[i - 1] - y[i]) <= 1: nothing overflows.
Tensors cumlogsumexp_grad(const op::CumLogSumExp& op, const GradCall& c) {
  const Tensor& x = c.inputs[0];
  Tensor after = cumlogsumexp(x, op.axis, op.reverse), before = cumlogsumexp(x, op.axis, op.reverse, true);
  return {exp(x - after) * run_back(op, exp(before - after), c.cotangent())};
}

Specs scan_shape(const op::LinearScan& op, std::span<const Spec> in) {
  expect_float("linear_scan", in[0]);
  expect_same_dtype("linear_scan", in[0], in[1]);
  expect_same_shape("linear_scan", in[0], in[1]);
  expect_axis("linear_scan", op.axis, in[0].shape);
  return {in[0]};
}

// The recurrence run backwards is its own gradient.
Tensors scan_grad(const op::LinearScan& op, const GradCall& c) {
  Tensor to_b = linear_scan(c.inputs[0], c.cotangent(), op.axis, !op.reverse);
  return {c.wants(0) ? to_b * c.outputs[0] : Tensor(), to_b};
}

struct Case {
  Shape shape;
  int axis;
  bool reverse, exclusive;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {{3, 67}, 1, false, false}, {{5, 7}, 0, true, false},  {{2, 5, 3}, 1, false, true}, {{2, 5, 3}, 2, true, true},
      {{7}, 0, false, false},     {{0, 3}, 1, false, false}, {{3, 0}, 1, false, true},    {{1}, 0, false, true}};
  return list;
}

template <class Op> std::vector<Sample> cumulative_samples() {
  constexpr bool is_product = std::is_same_v<Op, op::CumProd>;
  // The first of an exclusive extremum or log-sum is infinite: no place for finite differences.
  constexpr bool starts_finite = is_product || std::is_same_v<Op, op::CumSum>;
  std::vector<Sample> samples;
  for (const Case& c : cases())
    samples.push_back(sample(Op{{c.axis, c.reverse, c.exclusive}}, {spread(c.shape, is_product ? 0.6 : -1.5, 1.5)},
                             starts_finite || !c.exclusive));
  if constexpr (is_product) {
    Tensor zeros = Tensor::from(std::vector<double>{2, 3, 5, 0, 3, 5, 0, 0, 5}, {3, 3}, Device());
    samples.push_back(sample(Op{{1, false, false}}, {zeros}));
    samples.push_back(sample(Op{{0, true, true}}, {zeros}));
  }
  if constexpr (!std::is_same_v<Op, op::CumLogSumExp>)
    for (DType dtype : {DType::int32, DType::int64}) {
      samples.push_back(sample(Op{{1, false, false}}, {spread_integers({3, 7}, -3, 3, dtype)}, false));
      samples.push_back(sample(Op{{0, true, true}}, {spread_integers({5, 3}, -3, 3, dtype)}, false));
    }
  return samples;
}

std::vector<Sample> scan_samples() {
  std::vector<Sample> samples;
  for (const Case& c : cases())
    samples.push_back(
        sample(op::LinearScan{c.axis, c.reverse}, {spread(c.shape, -0.9, 0.9), spread(c.shape, -1, 1, 1)}));
  return samples;
}

template <class Op> void define_cumulative_op(Tensors (*grad)(const Op&, const GradCall&), uint64_t saved_inputs) {
  Rules<Op> rules;
  rules.shape = cumulative_shape<Op>;
  rules.grad = grad;
  rules.samples = cumulative_samples<Op>;
  rules.saved_inputs = saved_inputs;
  define_primitive(rules);
}

template <class Op> Tensor run(const Tensor& x, int axis, bool reverse, bool exclusive) {
  static const std::string name(Op::name);
  Tensor y = x.dtype() == DType::boolean ? cast(x, DType::int64) : x;
  return apply(Op{{normalize_axis(axis, x.shape(), name.c_str()), reverse, exclusive}}, {y});
}

}  // namespace

void define_cumulative() {
  define_cumulative_op<op::CumSum>(cumsum_grad, 0);
  define_cumulative_op<op::CumProd>(cumprod_grad, 1);
  define_cumulative_op<op::CumMax>(extremum_grad<op::CumMax>, 1);
  define_cumulative_op<op::CumMin>(extremum_grad<op::CumMin>, 1);
  define_cumulative_op<op::CumLogSumExp>(cumlogsumexp_grad, 1);
  define_primitive<op::LinearScan>(
      {.shape = scan_shape, .grad = scan_grad, .samples = scan_samples, .saved_inputs = 1, .saved_outputs = 1});
}

Tensor cumsum(const Tensor& x, int axis, bool reverse, bool exclusive) {
  return run<op::CumSum>(x, axis, reverse, exclusive);
}
Tensor cumprod(const Tensor& x, int axis, bool reverse, bool exclusive) {
  return run<op::CumProd>(x, axis, reverse, exclusive);
}
Tensor cummax(const Tensor& x, int axis, bool reverse, bool exclusive) {
  return run<op::CumMax>(x, axis, reverse, exclusive);
}
Tensor cummin(const Tensor& x, int axis, bool reverse, bool exclusive) {
  return run<op::CumMin>(x, axis, reverse, exclusive);
}
Tensor cumlogsumexp(const Tensor& x, int axis, bool reverse, bool exclusive) {
  return run<op::CumLogSumExp>(cast(x, at_least_float(x.dtype())), axis, reverse, exclusive);
}

Tensor linear_scan(const Tensor& a, const Tensor& b, int axis, bool reverse) {
  auto [c, d] = promoted_floats(a, b);
  Shape shape = broadcast_shapes(c.shape(), d.shape(), "linear_scan");
  auto spread_out = [&](const Tensor& x) { return x.shape() == shape ? x : broadcast_to(x, shape); };
  return apply(op::LinearScan{normalize_axis(axis, shape, "linear_scan"), reverse}, {spread_out(c), spread_out(d)});
}

Tensor diff(const Tensor& x, int axis) {
  int at = normalize_axis(axis, x.shape(), "diff");
  int64_t extent = x.shape()[at];
  if (extent < 2) return slice_axis(x, at, 0, 0);
  return slice_axis(x, at, 1, extent) - slice_axis(x, at, 0, extent - 1);
}

}  // namespace weft
