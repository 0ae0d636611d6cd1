#include <weft/autograd/ops/unary.hpp>

#include <cmath>
#include <numbers>

#include <weft/autograd/ops/binary.hpp>
#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

template <class In, class Out, class F> void for_each(const KernelCall& call, F&& f) {
  const In* x = call.inputs[0].raw_as<In>();
  Out* y = call.outputs[0].mutable_raw_as<Out>();
  for (int64_t i = 0; i < call.outputs[0].elements(); ++i) y[i] = static_cast<Out>(f(x[i]));
}

/// A function of floating numbers, computed in double.
template <class Op, class F> void analytic(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          for_each<T, T>(call, [](T x) { return F{}(static_cast<double>(x)); });
        });
      },
      wide_floats);
}

/// A function of numbers, computed in their own type.
template <class Op, class F> void algebraic(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { for_each<T, T>(call, F{}); });
      },
      wide_numbers);
}

template <class Op, class F> void predicate(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { for_each<T, bool>(call, F{}); });
      },
      wide_floats);
}

/// Newton's method on erf from the bounds' middle; erf itself is the library's.
double inverse_erf(double x) {
  if (!(std::abs(x) < 1)) return std::abs(x) == 1 ? x * HUGE_VAL : std::nan("");
  double low = -6, high = 6;
  for (int i = 0; i < 60; ++i) {
    double middle = 0.5 * (low + high);
    (std::erf(middle) < x ? low : high) = middle;
  }
  double y = 0.5 * (low + high);
  for (int i = 0; i < 3; ++i) {
    double error = x > 0.5 ? (1 - x) - std::erfc(y) : x < -0.5 ? std::erfc(-y) - (1 + x) : std::erf(y) - x;
    y -= error / (2 * std::numbers::inv_sqrtpi * std::exp(-y * y));
  }
  return y;
}

void integer_pow_kernel(const KernelCall& call) {
  const int power = call.op<op::IntegerPow>().power;
  visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    for_each<T, T>(call, [power](T x) -> T {
      if constexpr (std::is_floating_point_v<T>) {
        return static_cast<T>(std::pow(static_cast<double>(x), power));
      } else {
        std::make_unsigned_t<T> product = 1;
        for (int i = 0; i < power; ++i) product *= static_cast<std::make_unsigned_t<T>>(x);
        return static_cast<T>(product);
      }
    });
  });
}

void logical_not_kernel(const KernelCall& call) {
  for_each<bool, bool>(call, [](bool x) { return !x; });
}

void relu_grad_kernel(const KernelCall& call) {
  visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T *y = call.inputs[0].raw_as<T>(), *g = call.inputs[1].raw_as<T>();
    T* result = call.outputs[0].mutable_raw_as<T>();
    for (int64_t i = 0; i < call.outputs[0].elements(); ++i) result[i] = y[i] > 0 ? g[i] : T(0);
  });
}

template <class T> T negated(T x) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x));
  else return -x;
}

}  // namespace

void register_reference_unary(KernelTable& table) {
  algebraic<op::Negative>(table, [](auto x) { return negated(x); });
  algebraic<op::Abs>(table, [](auto x) {
    if constexpr (std::is_integral_v<decltype(x)>) return x < 0 ? negated(x) : x;
    else return std::fabs(x);
  });
  algebraic<op::Sign>(table, [](auto x) { return x > 0 ? decltype(x)(1) : x < 0 ? decltype(x)(-1) : x; });
  algebraic<op::Square>(table, [](auto x) {
    if constexpr (std::is_integral_v<decltype(x)>) {
      auto bits = static_cast<std::make_unsigned_t<decltype(x)>>(x);
      return static_cast<decltype(x)>(bits * bits);
    } else {
      return x * x;
    }
  });
  algebraic<op::Relu>(table, [](auto x) { return x <= 0 ? decltype(x)(0) : x; });
  analytic<op::Reciprocal>(table, [](double x) { return 1 / x; });
  analytic<op::Sqrt>(table, [](double x) { return std::sqrt(x); });
  analytic<op::Rsqrt>(table, [](double x) { return 1 / std::sqrt(x); });
  analytic<op::Cbrt>(table, [](double x) { return std::cbrt(x); });
  analytic<op::Exp>(table, [](double x) { return std::exp(x); });
  analytic<op::Exp2>(table, [](double x) { return std::exp2(x); });
  analytic<op::Expm1>(table, [](double x) { return std::expm1(x); });
  analytic<op::Log>(table, [](double x) { return std::log(x); });
  analytic<op::Log2>(table, [](double x) { return std::log2(x); });
  analytic<op::Log10>(table, [](double x) { return std::log10(x); });
  analytic<op::Log1p>(table, [](double x) { return std::log1p(x); });
  analytic<op::Sin>(table, [](double x) { return std::sin(x); });
  analytic<op::Cos>(table, [](double x) { return std::cos(x); });
  analytic<op::Tan>(table, [](double x) { return std::tan(x); });
  analytic<op::Asin>(table, [](double x) { return std::asin(x); });
  analytic<op::Acos>(table, [](double x) { return std::acos(x); });
  analytic<op::Atan>(table, [](double x) { return std::atan(x); });
  analytic<op::Sinh>(table, [](double x) { return std::sinh(x); });
  analytic<op::Cosh>(table, [](double x) { return std::cosh(x); });
  analytic<op::Tanh>(table, [](double x) { return std::tanh(x); });
  analytic<op::Asinh>(table, [](double x) { return std::asinh(x); });
  analytic<op::Acosh>(table, [](double x) { return std::acosh(x); });
  analytic<op::Atanh>(table, [](double x) { return std::atanh(x); });
  analytic<op::Erf>(table, [](double x) { return std::erf(x); });
  analytic<op::Erfc>(table, [](double x) { return std::erfc(x); });
  analytic<op::ErfInv>(table, [](double x) { return inverse_erf(x); });
  analytic<op::Sigmoid>(table, [](double x) { return 1 / (1 + std::exp(-x)); });
  analytic<op::Softplus>(table, [](double x) { return x > 40 ? x : std::log1p(std::exp(x)); });
  analytic<op::LogSigmoid>(table, [](double x) { return x < -40 ? x : -std::log1p(std::exp(-x)); });
  analytic<op::Floor>(table, [](double x) { return std::floor(x); });
  analytic<op::Ceil>(table, [](double x) { return std::ceil(x); });
  analytic<op::Round>(table, [](double x) { return std::nearbyint(x); });
  analytic<op::Trunc>(table, [](double x) { return std::trunc(x); });
  predicate<op::IsNan>(table, [](auto x) { return std::isnan(x); });
  predicate<op::IsInf>(table, [](auto x) { return std::isinf(x); });
  predicate<op::IsFinite>(table, [](auto x) { return std::isfinite(x); });
  table.add<op::LogicalNot>(logical_not_kernel, {DType::boolean});
  table.add<op::ReluGrad>(relu_grad_kernel, wide_numbers);
  table.add<op::IntegerPow>(integer_pow_kernel, wide_numbers);
}

}  // namespace weft
