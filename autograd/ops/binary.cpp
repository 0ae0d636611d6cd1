#include <weft/autograd/ops/binary.hpp>

#include <cmath>
#include <limits>

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

using T = const Tensor&;

template <class Op> Spec broadcast_spec(std::span<const Spec> in) {
  expect_same_dtype(Op::name, in[0], in[1]);
  static const std::string name(Op::name);
  return {broadcast_shapes(in[0].shape, in[1].shape, name.c_str()), in[0].dtype};
}

/// Pairs of shapes that broadcast in every way: equal, by rows, by columns, both ways, a scalar, empty.
template <class Op> std::vector<Sample> float_samples(double low, double high, bool smooth) {
  std::vector<std::pair<Shape, Shape>> shapes = {{{3, 67}, {3, 67}}, {{5, 19}, {19}}, {{2, 1, 7}, {3, 1}},
                                                 {{3, 5}, {}},       {{}, {2, 3}},    {{}, {}},
                                                 {{5, 1}, {5, 3}},   {{0, 3}, {3}},   {{2, 0}, {1, 1}}};
  std::vector<Sample> samples;
  for (const auto& [a, b] : shapes)
    samples.push_back(sample(Op{}, {spread(a, low, high), spread(b, low, high, 1)}, smooth));
  return samples;
}

template <class Op> void add_integer_samples(std::vector<Sample>& samples, int64_t low) {
  for (DType dtype : {DType::int32, DType::int64}) {
    samples.push_back(
        sample(Op{}, {spread_integers({5, 7}, low, 6, dtype), spread_integers({5, 1}, low, 6, dtype, 1)}, false));
    samples.push_back(sample(Op{}, {spread_integers({37}, low, 6, dtype), spread_integers({}, 3, 4, dtype)}, false));
  }
}

template <class Op> std::vector<Sample> ties() {
  Tensor x = Tensor::from(std::vector<double>{-1, 0, 0, 2, 3, -0.0}, {6}, Device());
  Tensor y = Tensor::from(std::vector<double>{-1, 0, 1, 2, -3, 0.0}, {6}, Device());
  return {sample(Op{}, {x, y}, false)};
}

/// The gradients of the two inputs are `to_x(x, y, z, g)` and `to_y(x, y, z, g)`: z is the result and g the cotangent.
/// Captureless lambdas are made anew where they are called, since Rules hold plain functions.
template <class Op, class ToX, class ToY> void set_gradient(Rules<Op>& rules, ToX, ToY) {
  rules.grad = [](const Op&, const GradCall& c) -> Tensors {
    const Tensor &x = c.inputs[0], &y = c.inputs[1], &z = c.outputs[0], &g = c.cotangent();
    Tensors result(2);
    if (c.wants(0)) result[0] = sum_to(ToX{}(x, y, z, g), x.shape());
    if (c.wants(1)) result[1] = sum_to(ToY{}(x, y, z, g), y.shape());
    return result;
  };
}

enum class Takes { floats, numbers };

/// Arithmetic: the result's dtype is the inputs'. Samples are positive for `floats`, of any sign for `numbers`.
template <class Op, Takes takes, class ToX, class ToY>
void arithmetic(uint64_t saved_inputs, uint64_t saved_outputs, ToX to_x, ToY to_y) {
  Rules<Op> rules;
  rules.shape = [](const Op&, std::span<const Spec> in) -> Specs {
    takes == Takes::floats ? expect_float(Op::name, in[0]) : expect_number(Op::name, in[0]);
    return {broadcast_spec<Op>(in)};
  };
  rules.samples = [] {
    constexpr bool is_power = std::is_same_v<Op, op::Power>;
    constexpr bool positive = takes == Takes::floats || is_power || std::is_same_v<Op, op::Remainder>;
    std::vector<Sample> samples = float_samples<Op>(positive ? 0.4 : -2.1, 2.6, true);
    if (takes == Takes::numbers) add_integer_samples<Op>(samples, is_power ? 0 : -6);
    if (std::is_same_v<Op, op::Maximum> || std::is_same_v<Op, op::Minimum>)
      for (Sample& tie : ties<Op>()) samples.push_back(tie);
    return samples;
  };
  rules.saved_inputs = saved_inputs;
  rules.saved_outputs = saved_outputs;
  rules.elementwise = true;
  set_gradient(rules, to_x, to_y);
  define_primitive(rules);
}

void define_floor_divide() {
  Rules<op::FloorDivide> rules;
  rules.shape = [](const op::FloorDivide&, std::span<const Spec> in) -> Specs {
    expect_number(op::FloorDivide::name, in[0]);
    return {broadcast_spec<op::FloorDivide>(in)};
  };
  rules.samples = [] {
    std::vector<Sample> samples = float_samples<op::FloorDivide>(0.4, 2.6, false);
    add_integer_samples<op::FloorDivide>(samples, -6);
    return samples;
  };
  rules.not_differentiable = true;
  rules.elementwise = true;
  define_primitive(rules);
}

template <class Op>
constexpr bool is_logical =
    std::is_same_v<Op, op::LogicalAnd> || std::is_same_v<Op, op::LogicalOr> || std::is_same_v<Op, op::LogicalXor>;

/// A comparison, or logic, with a boolean result.
template <class Op> void predicate() {
  Rules<Op> rules;
  rules.shape = [](const Op&, std::span<const Spec> in) -> Specs {
    if (is_logical<Op>) expect_boolean(Op::name, in[0]);
    return {{broadcast_spec<Op>(in).shape, DType::boolean}};
  };
  rules.samples = [] {
    std::vector<Sample> samples;
    if constexpr (!is_logical<Op>) {
      samples = float_samples<Op>(-1, 1, false);
      samples.push_back(ties<Op>()[0]);
      add_integer_samples<Op>(samples, -6);
    }
    samples.push_back(sample(Op{}, {spread_booleans({5, 37}), spread_booleans({5, 37}, 1)}));
    samples.push_back(sample(Op{}, {spread_booleans({5, 1}), spread_booleans({7}, 1)}));
    samples.push_back(sample(Op{}, {spread_booleans({0}), spread_booleans({}, 1)}));
    return samples;
  };
  rules.not_differentiable = true;
  rules.elementwise = true;
  define_primitive(rules);
}

void define_step() {
  Rules<op::Step> rules;
  rules.shape = [](const op::Step&, std::span<const Spec> in) -> Specs {
    expect_float(op::Step::name, in[0]);
    return {broadcast_spec<op::Step>(in)};
  };
  rules.samples = [] {
    std::vector<Sample> samples = float_samples<op::Step>(-1, 1, false);
    samples.push_back(ties<op::Step>()[0]);
    return samples;
  };
  rules.not_differentiable = true;
  rules.elementwise = true;
  define_primitive(rules);
}

void define_integer_pow() {
  Rules<op::IntegerPow> rules;
  rules.shape = [](const op::IntegerPow& op, std::span<const Spec> in) -> Specs {
    expect_number(op::IntegerPow::name, in[0]);
    if (op.power < 0 && is_integer(in[0].dtype))
      throw ValueError("integer_pow: expected a power of 0 or more for " + to_string(in[0]) + ", got " +
                       std::to_string(op.power));
    return {in[0]};
  };
  rules.grad = [](const op::IntegerPow& op, const GradCall& c) -> Tensors {
    if (op.power == 0) return {Tensor()};
    return {c.cotangent() * (integer_pow(c.inputs[0], op.power - 1) * op.power)};
  };
  rules.saved_inputs = 1;
  rules.samples = [] {
    std::vector<Sample> samples;
    for (int power : {0, 1, 2, 3, 7, -1, -2})
      samples.push_back(sample(op::IntegerPow{power}, {spread({3, 67}, 0.5, 1.7)}));
    samples.push_back(sample(op::IntegerPow{3}, {spread({5, 7}, -1.5, 1.5)}));
    samples.push_back(sample(op::IntegerPow{3}, {spread_integers({13}, -5, 5, DType::int32)}, false));
    samples.push_back(sample(op::IntegerPow{0}, {spread({0}, 1, 2)}));
    return samples;
  };
  rules.elementwise = true;
  define_primitive(rules);
}

/// x - y, 0 where they are equal, infinities included.
Tensor difference(T x, T y) { return where(x == y, 0, x - y); }

template <class Op> Tensor on_pair(std::pair<Tensor, Tensor> pair) {
  const Tensor inputs[] = {std::move(pair.first), std::move(pair.second)};
  return weft::apply(Op{}, std::span<const Tensor>(inputs));
}
template <class Op> Tensor compare(const Operand& x, const Operand& y) { return on_pair<Op>(promoted(x, y)); }
template <class Op> Tensor on_numbers(const Operand& x, const Operand& y) {
  return on_pair<Op>(promoted_numbers(x, y));
}
template <class Op> Tensor on_floats(const Operand& x, const Operand& y) { return on_pair<Op>(promoted_floats(x, y)); }
template <class Op> Tensor on_booleans(const Operand& x, const Operand& y) {
  return apply(Op{}, {x.as(DType::boolean), y.as(DType::boolean)});
}

}  // namespace

// Two lines for each derivative. The saved_inputs and saved_outputs before them say which of x (1), y (2) and z they
// use.
void define_binary() {
  constexpr uint64_t none = 0, y_only = 2, both = 3, z_too = 1;
  arithmetic<op::Add, Takes::numbers>(
      none, none, [](T, T, T, T g) { return g; }, [](T, T, T, T g) { return g; });
  arithmetic<op::Subtract, Takes::numbers>(
      none, none, [](T, T, T, T g) { return g; }, [](T, T, T, T g) { return -g; });
  arithmetic<op::Multiply, Takes::numbers>(
      both, none, [](T, T y, T, T g) { return g * y; }, [](T x, T, T, T g) { return g * x; });
  arithmetic<op::Divide, Takes::floats>(
      y_only, z_too, [](T, T y, T, T g) { return g / y; }, [](T, T y, T z, T g) { return -(g * z / y); });
  arithmetic<op::Power, Takes::numbers>(
      both, z_too, [](T x, T y, T, T g) { return g * (y * power(x, where(y == 0, 1, y - 1))); },
      [](T x, T, T z, T g) { return g * (z * log(where(x == 0, 1, x))); });
  arithmetic<op::Maximum, Takes::numbers>(
      both, none, [](T x, T y, T, T g) { return g * step(x, y); }, [](T x, T y, T, T g) { return g * step(y, x); });
  arithmetic<op::Minimum, Takes::numbers>(
      both, none, [](T x, T y, T, T g) { return g * step(y, x); }, [](T x, T y, T, T g) { return g * step(x, y); });
  // atan2(x, y) is the angle of the point (y, x).
  arithmetic<op::Atan2, Takes::floats>(
      both, none, [](T x, T y, T, T g) { return g * (y / (square(x) + square(y))); },
      [](T x, T y, T, T g) { return -(g * (x / (square(x) + square(y)))); });
  arithmetic<op::Hypot, Takes::floats>(
      both, z_too, [](T x, T, T z, T g) { return g * (x / z); }, [](T, T y, T z, T g) { return g * (y / z); });
  arithmetic<op::LogAddExp, Takes::floats>(
      both, none, [](T x, T y, T, T g) { return g * sigmoid(difference(x, y)); },
      [](T x, T y, T, T g) { return g * sigmoid(difference(y, x)); });
  arithmetic<op::Remainder, Takes::numbers>(
      both, none, [](T, T, T, T g) { return g; }, [](T x, T y, T, T g) { return -(g * floor(x / y)); });
  define_floor_divide();
  predicate<op::Equal>();
  predicate<op::NotEqual>();
  predicate<op::Less>();
  predicate<op::LessEqual>();
  predicate<op::Greater>();
  predicate<op::GreaterEqual>();
  predicate<op::LogicalAnd>();
  predicate<op::LogicalOr>();
  predicate<op::LogicalXor>();
  define_step();
  define_integer_pow();
}

Tensor add(const Operand& x, const Operand& y) { return on_numbers<op::Add>(x, y); }
Tensor subtract(const Operand& x, const Operand& y) { return on_numbers<op::Subtract>(x, y); }
Tensor multiply(const Operand& x, const Operand& y) { return on_numbers<op::Multiply>(x, y); }
Tensor divide(const Operand& x, const Operand& y) { return on_floats<op::Divide>(x, y); }
Tensor maximum(const Operand& x, const Operand& y) { return on_numbers<op::Maximum>(x, y); }
Tensor minimum(const Operand& x, const Operand& y) { return on_numbers<op::Minimum>(x, y); }
Tensor atan2(const Operand& y, const Operand& x) { return on_floats<op::Atan2>(y, x); }
Tensor hypot(const Operand& x, const Operand& y) { return on_floats<op::Hypot>(x, y); }
Tensor logaddexp(const Operand& x, const Operand& y) { return on_floats<op::LogAddExp>(x, y); }
Tensor remainder(const Operand& x, const Operand& y) { return on_numbers<op::Remainder>(x, y); }
Tensor floor_divide(const Operand& x, const Operand& y) { return on_numbers<op::FloorDivide>(x, y); }

Tensor power(const Operand& x, const Operand& y) {
  // Small whole exponents are products, which are exact more often and much cheaper.
  if (y.is_number() && !x.is_number() && std::abs(y.number()) <= 8) {
    int exponent = static_cast<int>(y.number());
    bool floating = is_floating(x.tensor().dtype());
    if (exponent == y.number() && (floating || (exponent >= 0 && !y.is_floating_number())))
      return integer_pow(x.tensor(), exponent);
    if (floating && y.number() == 0.5) return sqrt(x.tensor());
  }
  return on_numbers<op::Power>(x, y);
}

Tensor integer_pow(const Tensor& x, int power) {
  if (power == 1) return x;
  if (power == 2) return square(x);
  if (power == -1) return reciprocal(x);
  return apply(op::IntegerPow{power}, {x.dtype() == DType::boolean ? cast(x, DType::int32) : x});
}

Tensor equal(const Operand& x, const Operand& y) { return compare<op::Equal>(x, y); }
Tensor not_equal(const Operand& x, const Operand& y) { return compare<op::NotEqual>(x, y); }
Tensor less(const Operand& x, const Operand& y) { return compare<op::Less>(x, y); }
Tensor less_equal(const Operand& x, const Operand& y) { return compare<op::LessEqual>(x, y); }
Tensor greater(const Operand& x, const Operand& y) { return compare<op::Greater>(x, y); }
Tensor greater_equal(const Operand& x, const Operand& y) { return compare<op::GreaterEqual>(x, y); }
Tensor logical_and(const Operand& x, const Operand& y) { return on_booleans<op::LogicalAnd>(x, y); }
Tensor logical_or(const Operand& x, const Operand& y) { return on_booleans<op::LogicalOr>(x, y); }
Tensor logical_xor(const Operand& x, const Operand& y) { return on_booleans<op::LogicalXor>(x, y); }
Tensor step(const Operand& x, const Operand& y) { return on_floats<op::Step>(x, y); }

Tensor xlogy(const Operand& x, const Operand& y) {
  auto [a, b] = promoted_floats(x, y);
  // Where 0 * log(y) would not be 0. Elsewhere x = 0 still has the derivative log(y).
  double infinity = std::numeric_limits<double>::infinity();
  Tensor degenerate = (a == 0) & ((b <= 0) | (b == infinity));
  return a * log(where(degenerate, 1, b));
}

}  // namespace weft
