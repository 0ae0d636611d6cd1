#include <weft/autograd/ops/reduce.hpp>

#include <cmath>
#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/cumulative.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Shape reduced_shape(const Shape& shape, const Shape& axes, bool keepdims) {
  Shape result;
  for (int i = 0, next = 0; i < shape.rank(); ++i) {
    bool reduced = next < axes.rank() && axes[next] == i;
    if (reduced) ++next;
    if (!reduced) result.push_back(shape[i]);
    else if (keepdims) result.push_back(1);
  }
  return result;
}

int64_t reduced_elements(const Shape& shape, const Shape& axes) {
  int64_t count = 1;
  for (int64_t axis : axes) count *= shape[static_cast<int>(axis)];
  return count;
}

/// A reduction's result or cotangent with its axes back in place, so that it broadcasts to the input's shape.
Tensor with_axes(const Tensor& y, const Shape& input_shape, const Shape& axes, bool keepdims) {
  return keepdims ? y : reshape(y, reduced_shape(input_shape, axes, true));
}

template <class Op> constexpr bool has_identity = !std::is_same_v<Op, op::Max> && !std::is_same_v<Op, op::Min>;

template <class Op> Specs reduction_shape(const Op& op, std::span<const Spec> in) {
  if constexpr (std::is_same_v<Op, op::Any> || std::is_same_v<Op, op::All>) expect_boolean(Op::name, in[0]);
  else if constexpr (std::is_same_v<Op, op::LogSumExp>) expect_float(Op::name, in[0]);
  else expect_number(Op::name, in[0]);
  for (int64_t axis : op.axes)
    if (axis < 0 || axis >= in[0].shape.rank())
      throw ShapeError(std::string(Op::name) + ": axis " + std::to_string(axis) + " out of range for shape " +
                       to_string(in[0].shape));
  if (!has_identity<Op> && reduced_elements(in[0].shape, op.axes) == 0)
    throw ShapeError(std::string(Op::name) + ": expected at least one element along the reduced axes, got " +
                     to_string(in[0].shape));
  return {{reduced_shape(in[0].shape, op.axes, op.keepdims), in[0].dtype}};
}

template <class Op> Flops one_per_input(const Op&, std::span<const Spec> in, std::span<const Spec>) {
  return static_cast<Flops>(in[0].shape.elements());
}

struct Case {
  Shape shape, axes;
  bool keepdims;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> list = {{{3, 67}, {1}, false},       {{3, 67}, {0}, true},   {{3, 67}, {0, 1}, false},
                                         {{2, 3, 5}, {0, 2}, false},  {{2, 3, 5}, {1}, true}, {{5, 1, 7}, {1}, false},
                                         {{7}, {0}, false},           {{}, {}, false},        {{0, 3}, {1}, false},
                                         {{2, 2, 3, 2}, {1, 3}, true}};
  return list;
}
const std::vector<Case>& empty_cases() {
  static const std::vector<Case> list = {{{0, 3}, {0}, false}, {{2, 0}, {0, 1}, true}};
  return list;
}

template <class Op> std::vector<Sample> number_samples(double low, double high) {
  std::vector<Sample> samples;
  auto add = [&](const Case& c) { samples.push_back(sample(Op{{c.axes, c.keepdims}}, {spread(c.shape, low, high)})); };
  for (const Case& c : cases()) add(c);
  if (has_identity<Op>)
    for (const Case& c : empty_cases()) add(c);
  if constexpr (!std::is_same_v<Op, op::LogSumExp>)
    for (DType dtype : {DType::int32, DType::int64})
      for (const Case& c : {cases()[3], cases()[6], cases()[1]})
        samples.push_back(sample(Op{{c.axes, c.keepdims}}, {spread_integers(c.shape, -3, 3, dtype)}, false));
  return samples;
}

template <class Op> std::vector<Sample> boolean_samples() {
  std::vector<Sample> samples;
  for (const auto* list : {&cases(), &empty_cases()})
    for (const Case& c : *list) samples.push_back(sample(Op{{c.axes, c.keepdims}}, {spread_booleans(c.shape)}));
  return samples;
}

template <class Op> void append_ties(std::vector<Sample>& samples) {
  Tensor ties = Tensor::from(std::vector<double>{1, 3, 3, -2, 0, -0.0, 0, -0.0, 5, 5, 5, 5}, {3, 4}, Device());
  samples.push_back(sample(Op{{{1}, false}}, {ties}, false));
  samples.push_back(sample(Op{{{0, 1}, true}}, {ties}, false));
}

Tensors sum_grad(const op::Sum& op, const GradCall& c) {
  const Shape& shape = c.inputs[0].shape();
  return {broadcast_to(with_axes(c.cotangent(), shape, op.axes, op.keepdims), shape)};
}

/// At every element, the product of all others along `axes`: exact where some are zero.
Tensor product_of_others(const Tensor& x, Shape axes) {
  int last = static_cast<int>(axes.back());
  Tensor others = cumprod(x, last, false, true) * cumprod(x, last, true, true);
  axes.erase(axes.rank() - 1);
  return axes.rank() == 0 ? others : product_of_others(prod(x, last, true), axes) * others;
}

Tensors prod_grad(const op::Prod& op, const GradCall& c) {
  const Tensor& x = c.inputs[0];
  Tensor g = with_axes(c.cotangent(), x.shape(), op.axes, op.keepdims);
  return {op.axes.rank() == 0 ? g : g * product_of_others(x, op.axes)};
}

template <class Op> Tensors extremum_grad(const Op& op, const GradCall& c) {
  const Tensor& x = c.inputs[0];
  Tensor chosen = cast(x == with_axes(c.outputs[0], x.shape(), op.axes, op.keepdims), x.dtype());
  Tensor g = with_axes(c.cotangent(), x.shape(), op.axes, op.keepdims);
  return {g / sum(chosen, op.axes.rank() == 0 ? Axes() : Axes(op.axes), true) * chosen};
}

Tensors logsumexp_grad(const op::LogSumExp& op, const GradCall& c) {
  const Tensor& x = c.inputs[0];
  Tensor y = with_axes(c.outputs[0], x.shape(), op.axes, op.keepdims);
  Tensor finite = where(y == -std::numeric_limits<double>::infinity(), 0, y);
  return {with_axes(c.cotangent(), x.shape(), op.axes, op.keepdims) * exp(x - finite)};
}

template <class Op> Specs arg_shape(const Op& op, std::span<const Spec> in) {
  expect_number(Op::name, in[0]);
  if (op.axis < 0 || op.axis >= in[0].shape.rank() || in[0].shape[op.axis] == 0)
    throw ShapeError(std::string(Op::name) + ": expected at least one element along axis " + std::to_string(op.axis) +
                     ", got " + to_string(in[0].shape));
  return {{reduced_shape(in[0].shape, {op.axis}, op.keepdims), DType::int64}};
}

template <class Op> void define_arg_reduction() {
  Rules<Op> rules;
  rules.shape = arg_shape<Op>;
  rules.samples = [] {
    Tensor ties = Tensor::from(std::vector<double>{1, 3, 3, -2, 0, -0.0, 0, -0.0, 5, 5, 5, 5}, {3, 4}, Device());
    return std::vector<Sample>{sample(Op{{1, false}}, {spread({3, 67}, -1, 1)}),
                               sample(Op{{0, true}}, {spread({67, 3}, -1, 1)}),
                               sample(Op{{1, false}}, {spread({2, 5, 3}, -1, 1)}),
                               sample(Op{{1, false}}, {ties}),
                               sample(Op{{0, false}}, {spread({3, 0}, -1, 1)}),
                               sample(Op{{0, false}}, {spread_integers({37}, -5, 5, DType::int32)}),
                               sample(Op{{0, false}}, {spread_integers({37}, -5, 5, DType::int64)})};
  };
  rules.not_differentiable = true;
  rules.flops = one_per_input<Op>;
  define_primitive(rules);
}

template <class Op> void define_boolean_reduction() {
  Rules<Op> rules;
  rules.shape = reduction_shape<Op>;
  rules.samples = boolean_samples<Op>;
  rules.not_differentiable = true;
  rules.flops = one_per_input<Op>;
  define_primitive(rules);
}

/// Runs a reduction over `axes`; elements outside `mask` are replaced by `identity` first.
template <class Op>
Tensor reduce(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask, const Operand& identity) {
  static const std::string name(Op::name);
  Tensor y = mask.defined() ? where(mask, x, identity) : x;
  return apply(Op{{axes.of(y.shape(), name.c_str()), keepdims}}, {y});
}

Tensor as_float(const Tensor& x) { return cast(x, at_least_float(x.dtype())); }
/// Sums of half floats are best kept in float32 until they are divided.
Tensor as_wide_float(const Tensor& x) { return is_half(x.dtype()) ? cast(x, DType::float32) : as_float(x); }
Tensor without_booleans(const Tensor& x, DType dtype) { return x.dtype() == DType::boolean ? cast(x, dtype) : x; }

/// The lowest (or highest) value of a dtype, as a tensor of it.
Tensor limit(DType dtype, bool highest) {
  double infinity = std::numeric_limits<double>::infinity();
  auto pick = [&](auto low, auto high) { return Operand(highest ? high : low).as(dtype); };
  if (dtype == DType::int32) return pick(std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
  if (dtype == DType::int64) return pick(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  return pick(-infinity, infinity);
}

/// How many elements take part in a reduction, as a tensor that divides its result, less `ddof`.
Tensor divisor(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask, double ddof) {
  if (!mask.defined()) {
    double count = static_cast<double>(reduced_elements(x.shape(), axes.of(x.shape(), "mean")));
    return Operand(count - ddof).as(x.dtype());
  }
  Tensor count = cast(sum(broadcast_to(cast(mask, DType::boolean), x.shape()), axes, keepdims), x.dtype());
  return ddof == 0 ? count : count - ddof;
}

}  // namespace

void define_reduce() {
  define_primitive<op::Sum>({.shape = reduction_shape<op::Sum>,
                             .grad = sum_grad,
                             .samples = [] { return number_samples<op::Sum>(-1, 1); },
                             .flops = one_per_input<op::Sum>});
  define_primitive<op::Prod>(
      {.shape = reduction_shape<op::Prod>,
       .grad = prod_grad,
       .samples =
           [] {
             std::vector<Sample> samples = number_samples<op::Prod>(0.7, 1.3);
             Tensor zeros = Tensor::from(std::vector<double>{2, 3, 5, 0, 3, 5, 0, 0, 5}, {3, 3}, Device());
             samples.push_back(sample(op::Prod{{{1}, false}}, {zeros}));
             samples.push_back(sample(op::Prod{{{0, 1}, false}}, {zeros}));
             return samples;
           },
       .saved_inputs = 1,
       .flops = one_per_input<op::Prod>});
  define_primitive<op::Max>({.shape = reduction_shape<op::Max>,
                             .grad = extremum_grad<op::Max>,
                             .samples =
                                 [] {
                                   std::vector<Sample> samples = number_samples<op::Max>(-1, 1);
                                   append_ties<op::Max>(samples);
                                   return samples;
                                 },
                             .saved_inputs = 1,
                             .saved_outputs = 1,
                             .flops = one_per_input<op::Max>});
  define_primitive<op::Min>({.shape = reduction_shape<op::Min>,
                             .grad = extremum_grad<op::Min>,
                             .samples =
                                 [] {
                                   std::vector<Sample> samples = number_samples<op::Min>(-1, 1);
                                   append_ties<op::Min>(samples);
                                   return samples;
                                 },
                             .saved_inputs = 1,
                             .saved_outputs = 1,
                             .flops = one_per_input<op::Min>});
  define_primitive<op::LogSumExp>({.shape = reduction_shape<op::LogSumExp>,
                                   .grad = logsumexp_grad,
                                   .samples = [] { return number_samples<op::LogSumExp>(-3, 3); },
                                   .saved_inputs = 1,
                                   .saved_outputs = 1,
                                   .flops = one_per_input<op::LogSumExp>});
  define_boolean_reduction<op::Any>();
  define_boolean_reduction<op::All>();
  define_arg_reduction<op::ArgMax>();
  define_arg_reduction<op::ArgMin>();
}

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask) {
  return reduce<op::Sum>(without_booleans(x, DType::int64), axes, keepdims, mask, 0);
}
Tensor prod(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask) {
  return reduce<op::Prod>(without_booleans(x, DType::int64), axes, keepdims, mask, 1);
}
Tensor max(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask) {
  if (x.dtype() == DType::boolean) return any(mask.defined() ? x & mask : x, axes, keepdims);
  return reduce<op::Max>(x, axes, keepdims, mask, mask.defined() ? Operand(limit(x.dtype(), false)) : Operand(0));
}
Tensor min(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask) {
  if (x.dtype() == DType::boolean) return all(mask.defined() ? x | !mask : x, axes, keepdims);
  return reduce<op::Min>(x, axes, keepdims, mask, mask.defined() ? Operand(limit(x.dtype(), true)) : Operand(0));
}
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask) {
  return reduce<op::LogSumExp>(as_float(x), axes, keepdims, mask, -std::numeric_limits<double>::infinity());
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims, const Tensor& mask) {
  Tensor y = as_wide_float(x);
  return cast(sum(y, axes, keepdims, mask) / divisor(y, axes, keepdims, mask, 0), at_least_float(x.dtype()));
}

Tensor var(const Tensor& x, const Axes& axes, double ddof, bool keepdims, const Tensor& mask) {
  Tensor y = as_wide_float(x);
  Tensor squares = square(y - mean(y, axes, true, mask));
  return cast(sum(squares, axes, keepdims, mask) / divisor(y, axes, keepdims, mask, ddof), at_least_float(x.dtype()));
}

Tensor stddev(const Tensor& x, const Axes& axes, double ddof, bool keepdims, const Tensor& mask) {
  return sqrt(var(x, axes, ddof, keepdims, mask));
}

Tensor logmeanexp(const Tensor& x, const Axes& axes, bool keepdims) {
  double count = static_cast<double>(reduced_elements(x.shape(), axes.of(x.shape(), "logmeanexp")));
  return logsumexp(x, axes, keepdims) - std::log(count);
}

Tensor norm(const Tensor& x, const Axes& axes, double order, bool keepdims) {
  Tensor y = as_float(x);
  if (order == 1) return sum(abs(y), axes, keepdims);
  if (order == 0) return cast(count_nonzero(y, axes, keepdims), y.dtype());
  if (order == std::numeric_limits<double>::infinity()) return max(abs(y), axes, keepdims);
  if (order == -std::numeric_limits<double>::infinity()) return min(abs(y), axes, keepdims);
  // Zeros are kept out of the root (and of the power), whose slope there is infinite.
  if (order == 2) {
    Tensor total = sum(square(y), axes, keepdims), is_zero = total == 0;
    return where(is_zero, 0, sqrt(where(is_zero, 1, total)));
  }
  Tensor is_nonzero = y != 0;
  Tensor powers = where(is_nonzero, power(abs(where(is_nonzero, y, 1)), order), 0);
  Tensor total = sum(powers, axes, keepdims), is_zero = total == 0;
  return where(is_zero, 0, power(where(is_zero, 1, total), 1 / order));
}

Tensor any(const Tensor& x, const Axes& axes, bool keepdims) {
  return reduce<op::Any>(cast(x, DType::boolean), axes, keepdims, Tensor(), false);
}
Tensor all(const Tensor& x, const Axes& axes, bool keepdims) {
  return reduce<op::All>(cast(x, DType::boolean), axes, keepdims, Tensor(), true);
}
Tensor count_nonzero(const Tensor& x, const Axes& axes, bool keepdims) {
  return sum(cast(x, DType::boolean), axes, keepdims);
}

Tensor argmax(const Tensor& x, int axis, bool keepdims) {
  return apply(op::ArgMax{{normalize_axis(axis, x.shape(), "argmax"), keepdims}}, {without_booleans(x, DType::int32)});
}
Tensor argmin(const Tensor& x, int axis, bool keepdims) {
  return apply(op::ArgMin{{normalize_axis(axis, x.shape(), "argmin"), keepdims}}, {without_booleans(x, DType::int32)});
}
Tensor argmax(const Tensor& x) { return argmax(ravel(x), 0); }
Tensor argmin(const Tensor& x) { return argmin(ravel(x), 0); }

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (!x.defined() || x.shape() == shape) return x;
  int leading = x.rank() - shape.rank();
  Shape first, inner;
  bool fits = leading >= 0;
  for (int i = 0; i < leading; ++i) first.push_back(i);
  for (int i = 0; fits && i < shape.rank(); ++i) {
    if (shape[i] == x.shape()[i + leading]) continue;
    fits = shape[i] == 1;
    inner.push_back(i);
  }
  if (!fits)
    throw ShapeError("sum_to: expected a shape that broadcasts to " + to_string(x.shape()) + ", got " +
                     to_string(shape));
  Tensor y = first.rank() > 0 ? sum(x, first) : x;
  return inner.rank() > 0 ? sum(y, inner, true) : y;
}

}  // namespace weft
