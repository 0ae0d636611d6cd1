#include <weft/autograd/ops/unary.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// Where a function's samples are taken from.
enum class Domain { reals, positive, inside_one, beyond_one };
/// What the gradient needs besides the cotangent g.
enum class Saves { nothing, x, y };

template <Domain domain> std::vector<Tensor> smooth_inputs() {
  constexpr double low = domain == Domain::reals        ? -2.3
                         : domain == Domain::positive   ? 0.4
                         : domain == Domain::inside_one ? -0.9
                                                        : 1.2;
  constexpr double high = domain == Domain::inside_one ? 0.9 : 2.9;
  return {spread({3, 67}, low, high), spread({}, low, high, 1), spread({0, 5}, low, high),
          spread({2, 1, 7}, low, high, 2)};
}

template <class Op, Domain domain> std::vector<Sample> smooth_samples() {
  std::vector<Sample> samples;
  for (Tensor& input : smooth_inputs<domain>()) samples.push_back(sample(Op{}, {input}));
  return samples;
}

/// Smooth places, then the kinks and ties.
template <class Op> std::vector<Sample> kinked_samples() {
  std::vector<Sample> samples = smooth_samples<Op, Domain::reals>();
  std::vector<double> kinks = {-2, -1.5, -1, -0.5, -0.0, 0, 0.5, 1, 1.5, 2.5, 1e-30};
  samples.push_back(sample(Op{}, {Tensor::from(kinks, {11}, Device())}, false));
  return samples;
}

template <class Op> std::vector<Sample> kinked_number_samples() {
  std::vector<Sample> samples = kinked_samples<Op>();
  samples.push_back(sample(Op{}, {spread_integers({5, 7}, -9, 9, DType::int32)}, false));
  samples.push_back(sample(Op{}, {spread_integers({13}, -9, 9, DType::int64)}, false));
  return samples;
}

/// The gradient is `slope(v, g)`: v is x or the result y, whichever is saved, g the cotangent. Captureless lambdas are
/// made anew where they are called, since Rules hold plain functions.
template <class Op, class Slope> void set_gradient(Rules<Op>& rules, Saves saves, Slope) {
  rules.elementwise = true;
  rules.saved_inputs = saves == Saves::x ? 1 : 0;
  rules.saved_outputs = saves == Saves::y ? 1 : 0;
  if (saves == Saves::y)
    rules.grad = [](const Op&, const GradCall& c) -> Tensors { return {Slope{}(c.outputs[0], c.cotangent())}; };
  else rules.grad = [](const Op&, const GradCall& c) -> Tensors { return {Slope{}(c.inputs[0], c.cotangent())}; };
}

/// A function on floating numbers.
template <class Op, Domain domain, class Slope> void analytic(Saves saves, Slope slope) {
  Rules<Op> rules;
  rules.shape = [](const Op&, std::span<const Spec> in) -> Specs {
    expect_float(Op::name, in[0]);
    return {in[0]};
  };
  rules.samples = smooth_samples<Op, domain>;
  set_gradient(rules, saves, slope);
  define_primitive(rules);
}

/// A function on numbers that keeps integers.
template <class Op, class Slope> void algebraic(Saves saves, Slope slope) {
  Rules<Op> rules;
  rules.shape = [](const Op&, std::span<const Spec> in) -> Specs {
    expect_number(Op::name, in[0]);
    return {in[0]};
  };
  rules.samples = kinked_number_samples<Op>;
  set_gradient(rules, saves, slope);
  define_primitive(rules);
}

/// A test with a boolean result.
template <class Op> void predicate() {
  Rules<Op> rules;
  rules.shape = [](const Op&, std::span<const Spec> in) -> Specs {
    if (std::is_same_v<Op, op::LogicalNot>) expect_boolean(Op::name, in[0]);
    else expect_float(Op::name, in[0]);
    return {{in[0].shape, DType::boolean}};
  };
  rules.samples = [] {
    if constexpr (std::is_same_v<Op, op::LogicalNot>) {
      return std::vector<Sample>{sample(Op{}, {spread_booleans({5, 37})}), sample(Op{}, {spread_booleans({0})})};
    } else {
      double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
      Tensor special = Tensor::from(std::vector<double>{0, 1, infinity, -infinity, nan, -1, nan}, {7}, Device());
      return std::vector<Sample>{sample(Op{}, {special}), sample(Op{}, {spread({5, 37}, -1, 1)}),
                                 sample(Op{}, {spread({0}, 0, 1)})};
    }
  };
  rules.not_differentiable = true;
  rules.elementwise = true;
  define_primitive(rules);
}

void define_relu_grad() {
  Rules<op::ReluGrad> rules;
  rules.shape = [](const op::ReluGrad&, std::span<const Spec> in) -> Specs {
    expect_number(op::ReluGrad::name, in[0]);
    expect_same_dtype(op::ReluGrad::name, in[0], in[1]);
    expect_same_shape(op::ReluGrad::name, in[0], in[1]);
    return {in[0]};
  };
  rules.grad = [](const op::ReluGrad& op, const GradCall& c) -> Tensors {
    return {Tensor(), apply(op, {c.inputs[0], c.cotangent()})};
  };
  rules.saved_inputs = 1;
  rules.samples = [] {
    return std::vector<Sample>{sample(op::ReluGrad{}, {spread({3, 67}, -1, 1), spread({3, 67}, -2, 2, 1)}),
                               sample(op::ReluGrad{}, {spread({0}, -1, 1), spread({0}, -2, 2)})};
  };
  rules.elementwise = true;
  define_primitive(rules);
}

/// The slope of a step function.
constexpr auto flat = [](const Tensor&, const Tensor&) { return Tensor(); };

template <class Op> Tensor on_floats(const Op& op, const Tensor& x) {
  return apply(op, {cast(x, at_least_float(x.dtype()))});
}
template <class Op> Tensor on_numbers(const Op& op, const Tensor& x) {
  return apply(op, {x.dtype() == DType::boolean ? cast(x, DType::int32) : x});
}
/// Integers are finite, whole, and their own floor.
template <class Op> Tensor rounded(const Op& op, const Tensor& x) {
  return is_floating(x.dtype()) ? apply(op, {x}) : x;
}

}  // namespace

// One line for each derivative.
void define_unary() {
  using std::numbers::ln2, std::numbers::ln10, std::numbers::inv_sqrtpi;
  using T = const Tensor&;
  algebraic<op::Negative>(Saves::nothing, [](T, T g) { return -g; });
  algebraic<op::Abs>(Saves::x, [](T x, T g) { return where(x >= 0, g, -g); });
  algebraic<op::Sign>(Saves::nothing, flat);
  algebraic<op::Square>(Saves::x, [](T x, T g) { return g * (x * 2); });
  algebraic<op::Relu>(Saves::y, [](T y, T g) { return apply(op::ReluGrad{}, {y, g}); });
  analytic<op::Reciprocal, Domain::positive>(Saves::y, [](T y, T g) { return -(g * square(y)); });
  analytic<op::Sqrt, Domain::positive>(Saves::y, [](T y, T g) { return g / (y * 2); });
  analytic<op::Rsqrt, Domain::positive>(Saves::y, [](T y, T g) { return g * (integer_pow(y, 3) * -0.5); });
  analytic<op::Cbrt, Domain::positive>(Saves::y, [](T y, T g) { return g / (square(y) * 3); });
  analytic<op::Exp, Domain::reals>(Saves::y, [](T y, T g) { return g * y; });
  analytic<op::Exp2, Domain::reals>(Saves::y, [](T y, T g) { return g * (y * ln2); });
  analytic<op::Expm1, Domain::reals>(Saves::y, [](T y, T g) { return g * (y + 1); });
  analytic<op::Log, Domain::positive>(Saves::x, [](T x, T g) { return g / x; });
  analytic<op::Log2, Domain::positive>(Saves::x, [](T x, T g) { return g / (x * ln2); });
  analytic<op::Log10, Domain::positive>(Saves::x, [](T x, T g) { return g / (x * ln10); });
  analytic<op::Log1p, Domain::positive>(Saves::x, [](T x, T g) { return g / (x + 1); });
  analytic<op::Sin, Domain::reals>(Saves::x, [](T x, T g) { return g * cos(x); });
  analytic<op::Cos, Domain::reals>(Saves::x, [](T x, T g) { return -(g * sin(x)); });
  analytic<op::Tan, Domain::inside_one>(Saves::y, [](T y, T g) { return g * (square(y) + 1); });
  analytic<op::Asin, Domain::inside_one>(Saves::x, [](T x, T g) { return g * rsqrt(1 - square(x)); });
  analytic<op::Acos, Domain::inside_one>(Saves::x, [](T x, T g) { return -(g * rsqrt(1 - square(x))); });
  analytic<op::Atan, Domain::reals>(Saves::x, [](T x, T g) { return g / (square(x) + 1); });
  analytic<op::Sinh, Domain::reals>(Saves::x, [](T x, T g) { return g * cosh(x); });
  analytic<op::Cosh, Domain::reals>(Saves::x, [](T x, T g) { return g * sinh(x); });
  analytic<op::Tanh, Domain::reals>(Saves::y, [](T y, T g) { return g * (1 - square(y)); });
  analytic<op::Asinh, Domain::reals>(Saves::x, [](T x, T g) { return g * rsqrt(square(x) + 1); });
  analytic<op::Acosh, Domain::beyond_one>(Saves::x, [](T x, T g) { return g * rsqrt((x - 1) * (x + 1)); });
  analytic<op::Atanh, Domain::inside_one>(Saves::x, [](T x, T g) { return g / (1 - square(x)); });
  analytic<op::Erf, Domain::reals>(Saves::x, [](T x, T g) { return g * (exp(-square(x)) * (2 * inv_sqrtpi)); });
  analytic<op::Erfc, Domain::reals>(Saves::x, [](T x, T g) { return g * (exp(-square(x)) * (-2 * inv_sqrtpi)); });
  analytic<op::ErfInv, Domain::inside_one>(Saves::y,
                                           [](T y, T g) { return g * (exp(square(y)) * (0.5 / inv_sqrtpi)); });
  analytic<op::Sigmoid, Domain::reals>(Saves::y, [](T y, T g) { return g * (y * (1 - y)); });
  analytic<op::Softplus, Domain::reals>(Saves::x, [](T x, T g) { return g * sigmoid(x); });
  analytic<op::LogSigmoid, Domain::reals>(Saves::x, [](T x, T g) { return g * sigmoid(-x); });
  analytic<op::Floor, Domain::reals>(Saves::nothing, flat);
  analytic<op::Ceil, Domain::reals>(Saves::nothing, flat);
  analytic<op::Round, Domain::reals>(Saves::nothing, flat);
  analytic<op::Trunc, Domain::reals>(Saves::nothing, flat);
  predicate<op::LogicalNot>();
  predicate<op::IsNan>();
  predicate<op::IsInf>();
  predicate<op::IsFinite>();
  define_relu_grad();
}

Tensor negative(const Tensor& x) { return on_numbers(op::Negative{}, x); }
Tensor abs(const Tensor& x) { return on_numbers(op::Abs{}, x); }
Tensor sign(const Tensor& x) { return on_numbers(op::Sign{}, x); }
Tensor square(const Tensor& x) { return on_numbers(op::Square{}, x); }
Tensor relu(const Tensor& x) { return on_numbers(op::Relu{}, x); }
Tensor reciprocal(const Tensor& x) { return on_floats(op::Reciprocal{}, x); }
Tensor sqrt(const Tensor& x) { return on_floats(op::Sqrt{}, x); }
Tensor rsqrt(const Tensor& x) { return on_floats(op::Rsqrt{}, x); }
Tensor cbrt(const Tensor& x) { return on_floats(op::Cbrt{}, x); }
Tensor exp(const Tensor& x) { return on_floats(op::Exp{}, x); }
Tensor exp2(const Tensor& x) { return on_floats(op::Exp2{}, x); }
Tensor expm1(const Tensor& x) { return on_floats(op::Expm1{}, x); }
Tensor log(const Tensor& x) { return on_floats(op::Log{}, x); }
Tensor log2(const Tensor& x) { return on_floats(op::Log2{}, x); }
Tensor log10(const Tensor& x) { return on_floats(op::Log10{}, x); }
Tensor log1p(const Tensor& x) { return on_floats(op::Log1p{}, x); }
Tensor sin(const Tensor& x) { return on_floats(op::Sin{}, x); }
Tensor cos(const Tensor& x) { return on_floats(op::Cos{}, x); }
Tensor tan(const Tensor& x) { return on_floats(op::Tan{}, x); }
Tensor asin(const Tensor& x) { return on_floats(op::Asin{}, x); }
Tensor acos(const Tensor& x) { return on_floats(op::Acos{}, x); }
Tensor atan(const Tensor& x) { return on_floats(op::Atan{}, x); }
Tensor sinh(const Tensor& x) { return on_floats(op::Sinh{}, x); }
Tensor cosh(const Tensor& x) { return on_floats(op::Cosh{}, x); }
Tensor tanh(const Tensor& x) { return on_floats(op::Tanh{}, x); }
Tensor asinh(const Tensor& x) { return on_floats(op::Asinh{}, x); }
Tensor acosh(const Tensor& x) { return on_floats(op::Acosh{}, x); }
Tensor atanh(const Tensor& x) { return on_floats(op::Atanh{}, x); }
Tensor erf(const Tensor& x) { return on_floats(op::Erf{}, x); }
Tensor erfc(const Tensor& x) { return on_floats(op::Erfc{}, x); }
Tensor erfinv(const Tensor& x) { return on_floats(op::ErfInv{}, x); }
Tensor sigmoid(const Tensor& x) { return on_floats(op::Sigmoid{}, x); }
Tensor softplus(const Tensor& x) { return on_floats(op::Softplus{}, x); }
Tensor log_sigmoid(const Tensor& x) { return on_floats(op::LogSigmoid{}, x); }
Tensor floor(const Tensor& x) { return rounded(op::Floor{}, x); }
Tensor ceil(const Tensor& x) { return rounded(op::Ceil{}, x); }
Tensor round(const Tensor& x) { return rounded(op::Round{}, x); }
Tensor trunc(const Tensor& x) { return rounded(op::Trunc{}, x); }
Tensor logical_not(const Tensor& x) { return apply(op::LogicalNot{}, {cast(x, DType::boolean)}); }
Tensor isnan(const Tensor& x) { return on_floats(op::IsNan{}, x); }
Tensor isinf(const Tensor& x) { return on_floats(op::IsInf{}, x); }
Tensor isfinite(const Tensor& x) { return on_floats(op::IsFinite{}, x); }

Tensor sinc(const Tensor& x) {
  // Taylor's series near 0, where the quotient and, above all, its derivatives lose their digits.
  Tensor angle = x * std::numbers::pi, squared = square(angle);
  Tensor is_small = squared < 0.09;
  Tensor series = 1 - squared / 6 * (1 - squared / 20 * (1 - squared / 42 * (1 - squared / 72 * (1 - squared / 110))));
  Tensor safe = where(is_small, 1, angle);
  return where(is_small, series, sin(safe) / safe);
}

Tensor logit(const Tensor& x) { return log(x) - log1p(-x); }

Tensor nan_to_num(const Tensor& x, double nan) {
  if (!is_floating(x.dtype())) return x;
  double largest = visit(x.dtype(), []<class T>(std::type_identity<T>) -> double {
    if constexpr (std::is_same_v<T, bfloat16>) return 0x1.fep127;
    else if constexpr (std::is_same_v<T, float16>) return 65504;
    else if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::max();
    else return 0;
  });
  double infinity = std::numeric_limits<double>::infinity();
  return where(isnan(x), nan, where(x == infinity, largest, where(x == -infinity, -largest, x)));
}

Tensor operator-(const Tensor& x) { return negative(x); }
Tensor operator!(const Tensor& x) { return logical_not(x); }

}  // namespace weft
