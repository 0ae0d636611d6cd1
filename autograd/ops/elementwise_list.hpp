#pragma once

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/binary_functors.hpp>
#include <weft/autograd/ops/integer_functors.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/ops/unary_functors.hpp>

namespace weft {

// Which functor computes which elementwise primitive: what a backend needs to know of them to register them all.
//   UnaryFloats::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(my_kernel<F>, wide_floats); });

/// Op's floating elements are computed by F, integers by Whole.
template <class Op, class F, class Whole = void> struct Computes {};

template <class... Entries> struct ElementwiseList {
  template <class Visit> static void each(Visit&& visit) { (visit(Entries{}), ...); }
};

namespace elementwise_list {
namespace f = functors;
namespace whole = functors::integer;

/// Numbers of any type, with results of the same.
using UnaryNumbers =
    ElementwiseList<Computes<op::Negative, f::Negative, whole::Negative>, Computes<op::Abs, f::Abs, whole::Abs>,
                    Computes<op::Sign, f::Sign, whole::Sign>, Computes<op::Square, f::Square, whole::Square>,
                    Computes<op::Relu, f::Relu, whole::Relu>>;

/// Floating numbers, with results of the same type.
using UnaryFloats = ElementwiseList<
    Computes<op::Reciprocal, f::Reciprocal>, Computes<op::Sqrt, f::Sqrt>, Computes<op::Rsqrt, f::Rsqrt>,
    Computes<op::Cbrt, f::Cbrt>, Computes<op::Exp, f::Exp>, Computes<op::Exp2, f::Exp2>, Computes<op::Expm1, f::Expm1>,
    Computes<op::Log, f::Log>, Computes<op::Log2, f::Log2>, Computes<op::Log10, f::Log10>,
    Computes<op::Log1p, f::Log1p>, Computes<op::Sin, f::Sin>, Computes<op::Cos, f::Cos>, Computes<op::Tan, f::Tan>,
    Computes<op::Asin, f::Asin>, Computes<op::Acos, f::Acos>, Computes<op::Atan, f::Atan>, Computes<op::Sinh, f::Sinh>,
    Computes<op::Cosh, f::Cosh>, Computes<op::Tanh, f::Tanh>, Computes<op::Asinh, f::Asinh>,
    Computes<op::Acosh, f::Acosh>, Computes<op::Atanh, f::Atanh>, Computes<op::Erf, f::Erf>,
    Computes<op::Erfc, f::Erfc>, Computes<op::ErfInv, f::ErfInv>, Computes<op::Sigmoid, f::Sigmoid>,
    Computes<op::Softplus, f::Softplus>, Computes<op::LogSigmoid, f::LogSigmoid>, Computes<op::Floor, f::Floor>,
    Computes<op::Ceil, f::Ceil>, Computes<op::Round, f::Round>, Computes<op::Trunc, f::Trunc>>;

/// Floating numbers, with results true or false.
using UnaryTests =
    ElementwiseList<Computes<op::IsNan, f::IsNan>, Computes<op::IsInf, f::IsInf>, Computes<op::IsFinite, f::IsFinite>>;

using BinaryNumbers = ElementwiseList<
    Computes<op::Add, f::Add, whole::Add>, Computes<op::Subtract, f::Subtract, whole::Subtract>,
    Computes<op::Multiply, f::Multiply, whole::Multiply>, Computes<op::Maximum, f::Maximum, whole::Maximum>,
    Computes<op::Minimum, f::Minimum, whole::Minimum>, Computes<op::FloorDivide, f::FloorDivide, whole::FloorDivide>,
    Computes<op::Power, f::Power, whole::Power>, Computes<op::Remainder, f::Remainder, whole::Remainder>,
    Computes<op::ReluGrad, f::ReluGrad, whole::ReluGrad>>;

using BinaryFloats =
    ElementwiseList<Computes<op::Divide, f::Divide>, Computes<op::LogAddExp, f::LogAddExp>, Computes<op::Step, f::Step>,
                    Computes<op::Atan2, f::Atan2>, Computes<op::Hypot, f::Hypot>>;

/// Elements of any type, with results true or false; the functor serves integers as well.
using Comparisons = ElementwiseList<Computes<op::Equal, f::Equal>, Computes<op::NotEqual, f::NotEqual>,
                                    Computes<op::Less, f::Less>, Computes<op::LessEqual, f::LessEqual>,
                                    Computes<op::Greater, f::Greater>, Computes<op::GreaterEqual, f::GreaterEqual>>;

/// True and false.
using BinaryLogic = ElementwiseList<Computes<op::LogicalAnd, f::LogicalAnd>, Computes<op::LogicalOr, f::LogicalOr>,
                                    Computes<op::LogicalXor, f::LogicalXor>>;

}  // namespace elementwise_list
}  // namespace weft
