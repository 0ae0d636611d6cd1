#include <weft/autograd/ops/unary.hpp>

#include <weft/autograd/ops/binary.hpp>

#include <weft/autograd/ops/binary_functors.hpp>
#include <weft/autograd/ops/integer_functors.hpp>
#include <weft/autograd/ops/unary_functors.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

template <class Op, class F> void floats(KernelTable& table) { table.add<Op>(float_map<F, 1>, all_floats, true); }

template <class Op, class F> void predicate(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, bool, 1>(call, F{}); });
      },
      all_floats, true);
}

/// Floats by F, integers by G.
template <class Op, class F, class G> void algebraic(KernelTable& table) {
  table.add<Op>(number_map<F, G, 1>, all_numbers, true);
}

void integer_pow_kernel(const KernelCall& call) {
  const int power = call.op<op::IntegerPow>().power;
  if (is_integer(call.inputs[0].dtype())) {
    const functors::integer::IntegerPow whole{power};
    visit_integer(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, T, 1>(call, whole); });
  } else {
    const functors::IntegerPow f{power};
    visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, T, 1>(call, f); });
  }
}

}  // namespace

void register_cuda_unary(KernelTable& table) {
  algebraic<op::Negative, functors::Negative, functors::integer::Negative>(table);
  algebraic<op::Abs, functors::Abs, functors::integer::Abs>(table);
  algebraic<op::Sign, functors::Sign, functors::integer::Sign>(table);
  algebraic<op::Square, functors::Square, functors::integer::Square>(table);
  algebraic<op::Relu, functors::Relu, functors::integer::Relu>(table);
  floats<op::Reciprocal, functors::Reciprocal>(table);
  floats<op::Sqrt, functors::Sqrt>(table);
  floats<op::Rsqrt, functors::Rsqrt>(table);
  floats<op::Cbrt, functors::Cbrt>(table);
  floats<op::Exp, functors::Exp>(table);
  floats<op::Exp2, functors::Exp2>(table);
  floats<op::Expm1, functors::Expm1>(table);
  floats<op::Log, functors::Log>(table);
  floats<op::Log2, functors::Log2>(table);
  floats<op::Log10, functors::Log10>(table);
  floats<op::Log1p, functors::Log1p>(table);
  floats<op::Sin, functors::Sin>(table);
  floats<op::Cos, functors::Cos>(table);
  floats<op::Tan, functors::Tan>(table);
  floats<op::Asin, functors::Asin>(table);
  floats<op::Acos, functors::Acos>(table);
  floats<op::Atan, functors::Atan>(table);
  floats<op::Sinh, functors::Sinh>(table);
  floats<op::Cosh, functors::Cosh>(table);
  floats<op::Tanh, functors::Tanh>(table);
  floats<op::Asinh, functors::Asinh>(table);
  floats<op::Acosh, functors::Acosh>(table);
  floats<op::Atanh, functors::Atanh>(table);
  floats<op::Erf, functors::Erf>(table);
  floats<op::Erfc, functors::Erfc>(table);
  floats<op::ErfInv, functors::ErfInv>(table);
  floats<op::Sigmoid, functors::Sigmoid>(table);
  floats<op::Softplus, functors::Softplus>(table);
  floats<op::LogSigmoid, functors::LogSigmoid>(table);
  floats<op::Floor, functors::Floor>(table);
  floats<op::Ceil, functors::Ceil>(table);
  floats<op::Round, functors::Round>(table);
  floats<op::Trunc, functors::Trunc>(table);
  predicate<op::IsNan, functors::IsNan>(table);
  predicate<op::IsInf, functors::IsInf>(table);
  predicate<op::IsFinite, functors::IsFinite>(table);
  table.add<op::IntegerPow>(integer_pow_kernel, all_numbers, true);
  table.add<op::LogicalNot>(bool_map<functors::LogicalNot, 1>, {DType::boolean}, true);
  table.add<op::ReluGrad>(number_map<functors::ReluGrad, functors::integer::ReluGrad, 2>, all_numbers, true);
}

}  // namespace weft::cuda
