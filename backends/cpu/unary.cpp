#include <weft/autograd/ops/unary.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

using cpu::isa_kernels, cpu::plain_map, cpu::vector_map;

template <class F> void floats(const KernelCall& call) {
  vector_map(call, isa_kernels().unary.get<cpu::UnaryLoops<F>>(), F{});
}
template <class F> void test(const KernelCall& call) {
  vector_map(call, isa_kernels().unary.get<cpu::UnaryTestLoops<F>>(), F{});
}

template <class Op, class F> void analytic(KernelTable& table) { table.add<Op>(floats<F>, wide_floats, true); }
template <class Op, class F> void predicate(KernelTable& table) { table.add<Op>(test<F>, wide_floats, true); }

/// Floats by functor F, integers by `whole` on their unsigned counterparts, which wrap around.
template <class Op, class F, class G> void algebraic(KernelTable& table, G) {
  table.add<Op>(
      [](const KernelCall& call) {
        if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 1>(call, G{});
        if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 1>(call, G{});
        floats<F>(call);
      },
      wide_numbers, true);
}

/// A function without vector code.
template <class Op, class F> void scalar(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_float(call.inputs[0].dtype(),
                         [&]<class T>(std::type_identity<T>) { plain_map<T, T, 1>(call, F{}); });
      },
      wide_floats, true);
}

template <class T> auto unsigned_of(T x) { return static_cast<std::make_unsigned_t<T>>(x); }
template <class T> T negated(T x) { return static_cast<T>(0 - unsigned_of(x)); }

/// Winitzki's approximation ("A handy approximation for the error function and its inverse", 2008), made exact by
/// Halley's method on the smaller of erf and erfc.
double inverse_erf(double x) {
  if (!(std::abs(x) < 1))
    return std::abs(x) == 1 ? std::copysign(std::numeric_limits<double>::infinity(), x) : std::nan("");
  double tail = 1 - std::abs(x);
  double logarithm = std::log(tail * (1 + std::abs(x))), a = 0.147, half = 2 / (M_PI * a) + logarithm / 2;
  double y = std::sqrt(std::max(0.0, std::sqrt(half * half - logarithm / a) - half));
  for (int i = 0; i < 3; ++i) {
    double error = tail < 0.5 ? tail - std::erfc(y) : std::erf(y) - std::abs(x);
    double step = error / (M_2_SQRTPI * std::exp(-y * y));
    y -= step / (1 + y * step);
  }
  return std::copysign(y, x);
}

void integer_pow_kernel(const KernelCall& call) {
  const int power = call.op<op::IntegerPow>().power;
  auto whole = [power](auto x) {
    auto result = unsigned_of(x), base = result;
    result = 1;
    for (int left = power; left > 0; left /= 2, base *= base)
      if (left % 2 == 1) result *= base;
    return static_cast<decltype(x)>(result);
  };
  if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 1>(call, whole);
  if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 1>(call, whole);
  vector_map(call, isa_kernels().unary.get<cpu::UnaryLoops<functors::IntegerPow>>(), functors::IntegerPow{power});
}

void logical_not_kernel(const KernelCall& call) {
  plain_map<bool, bool, 1>(call, [](bool x) { return !x; });
}

void relu_grad_kernel(const KernelCall& call) {
  auto whole = [](auto y, auto g) { return y > 0 ? g : decltype(g)(0); };
  if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 2>(call, whole);
  if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 2>(call, whole);
  vector_map(call, isa_kernels().binary.get<cpu::BinaryLoops<functors::ReluGrad>>(), functors::ReluGrad{});
}

}  // namespace

void register_cpu_unary(KernelTable& table) {
  algebraic<op::Negative, functors::Negative>(table, [](auto x) { return negated(x); });
  algebraic<op::Abs, functors::Abs>(table, [](auto x) { return x < 0 ? negated(x) : x; });
  algebraic<op::Sign, functors::Sign>(table, [](auto x) { return decltype(x)(x > 0) - decltype(x)(x < 0); });
  algebraic<op::Square, functors::Square>(table, [](auto x) { return unsigned_of(x) * unsigned_of(x); });
  algebraic<op::Relu, functors::Relu>(table, [](auto x) { return x > 0 ? x : decltype(x)(0); });
  analytic<op::Reciprocal, functors::Reciprocal>(table);
  analytic<op::Sqrt, functors::Sqrt>(table);
  analytic<op::Rsqrt, functors::Rsqrt>(table);
  analytic<op::Cbrt, functors::Cbrt>(table);
  analytic<op::Exp, functors::Exp>(table);
  analytic<op::Exp2, functors::Exp2>(table);
  analytic<op::Expm1, functors::Expm1>(table);
  analytic<op::Log, functors::Log>(table);
  analytic<op::Log2, functors::Log2>(table);
  analytic<op::Log10, functors::Log10>(table);
  analytic<op::Log1p, functors::Log1p>(table);
  analytic<op::Sin, functors::Sin>(table);
  analytic<op::Cos, functors::Cos>(table);
  analytic<op::Tan, functors::Tan>(table);
  analytic<op::Asin, functors::Asin>(table);
  analytic<op::Acos, functors::Acos>(table);
  analytic<op::Atan, functors::Atan>(table);
  analytic<op::Sinh, functors::Sinh>(table);
  analytic<op::Cosh, functors::Cosh>(table);
  analytic<op::Tanh, functors::Tanh>(table);
  analytic<op::Asinh, functors::Asinh>(table);
  analytic<op::Acosh, functors::Acosh>(table);
  analytic<op::Atanh, functors::Atanh>(table);
  analytic<op::Erf, functors::Erf>(table);
  analytic<op::Erfc, functors::Erfc>(table);
  analytic<op::Sigmoid, functors::Sigmoid>(table);
  analytic<op::Softplus, functors::Softplus>(table);
  analytic<op::LogSigmoid, functors::LogSigmoid>(table);
  analytic<op::Floor, functors::Floor>(table);
  analytic<op::Ceil, functors::Ceil>(table);
  analytic<op::Round, functors::Round>(table);
  analytic<op::Trunc, functors::Trunc>(table);
  predicate<op::IsNan, functors::IsNan>(table);
  predicate<op::IsInf, functors::IsInf>(table);
  predicate<op::IsFinite, functors::IsFinite>(table);
  scalar<op::ErfInv>(table, [](auto x) { return inverse_erf(static_cast<double>(x)); });
  table.add<op::IntegerPow>(integer_pow_kernel, wide_numbers, true);
  table.add<op::LogicalNot>(logical_not_kernel, {DType::boolean}, true);
  table.add<op::ReluGrad>(relu_grad_kernel, wide_numbers, true);
}

}  // namespace weft
