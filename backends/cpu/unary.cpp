#include <weft/autograd/ops/unary.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/integer_functors.hpp>
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

/// Floats by functor F, integers by G.
template <class Op, class F, class G> void algebraic(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 1>(call, G{});
        if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 1>(call, G{});
        floats<F>(call);
      },
      wide_numbers, true);
}

/// A function without vector code.
template <class Op, class F> void scalar(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_float(call.inputs[0].dtype(),
                         [&]<class T>(std::type_identity<T>) { plain_map<T, T, 1>(call, F{}); });
      },
      wide_floats, true);
}

void integer_pow_kernel(const KernelCall& call) {
  const int power = call.op<op::IntegerPow>().power;
  const functors::integer::IntegerPow whole{power};
  if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 1>(call, whole);
  if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 1>(call, whole);
  vector_map(call, isa_kernels().unary.get<cpu::UnaryLoops<functors::IntegerPow>>(), functors::IntegerPow{power});
}

void logical_not_kernel(const KernelCall& call) { plain_map<bool, bool, 1>(call, functors::LogicalNot{}); }

void relu_grad_kernel(const KernelCall& call) {
  const functors::integer::ReluGrad whole;
  if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 2>(call, whole);
  if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 2>(call, whole);
  vector_map(call, isa_kernels().binary.get<cpu::BinaryLoops<functors::ReluGrad>>(), functors::ReluGrad{});
}

}  // namespace

void register_cpu_unary(KernelTable& table) {
  algebraic<op::Negative, functors::Negative, functors::integer::Negative>(table);
  algebraic<op::Abs, functors::Abs, functors::integer::Abs>(table);
  algebraic<op::Sign, functors::Sign, functors::integer::Sign>(table);
  algebraic<op::Square, functors::Square, functors::integer::Square>(table);
  algebraic<op::Relu, functors::Relu, functors::integer::Relu>(table);
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
  scalar<op::ErfInv, functors::ErfInv>(table);
  table.add<op::IntegerPow>(integer_pow_kernel, wide_numbers, true);
  table.add<op::LogicalNot>(logical_not_kernel, {DType::boolean}, true);
  table.add<op::ReluGrad>(relu_grad_kernel, wide_numbers, true);
}

}  // namespace weft
