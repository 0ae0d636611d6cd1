#pragma once

#include <weft/autograd/ops/unary_functors.hpp>
#include <weft/backends/cpu/isa/elementwise.hpp>

namespace weft::cpu {

template <class F> using UnaryLoops = Loops<F, 1>;
template <class F> using UnaryTestLoops = Loops<F, 1, true>;

using UnaryKernels = LoopSet<
    UnaryLoops<functors::Negative>, UnaryLoops<functors::Abs>, UnaryLoops<functors::Sign>, UnaryLoops<functors::Square>,
    UnaryLoops<functors::Relu>, UnaryLoops<functors::Reciprocal>, UnaryLoops<functors::Sqrt>,
    UnaryLoops<functors::Rsqrt>, UnaryLoops<functors::Cbrt>, UnaryLoops<functors::Exp>, UnaryLoops<functors::Exp2>,
    UnaryLoops<functors::Expm1>, UnaryLoops<functors::Log>, UnaryLoops<functors::Log2>, UnaryLoops<functors::Log10>,
    UnaryLoops<functors::Log1p>, UnaryLoops<functors::Sin>, UnaryLoops<functors::Cos>, UnaryLoops<functors::Tan>,
    UnaryLoops<functors::Asin>, UnaryLoops<functors::Acos>, UnaryLoops<functors::Atan>, UnaryLoops<functors::Sinh>,
    UnaryLoops<functors::Cosh>, UnaryLoops<functors::Tanh>, UnaryLoops<functors::Asinh>, UnaryLoops<functors::Acosh>,
    UnaryLoops<functors::Atanh>, UnaryLoops<functors::Erf>, UnaryLoops<functors::Erfc>, UnaryLoops<functors::Sigmoid>,
    UnaryLoops<functors::Softplus>, UnaryLoops<functors::LogSigmoid>, UnaryLoops<functors::Floor>,
    UnaryLoops<functors::Ceil>, UnaryLoops<functors::Round>, UnaryLoops<functors::Trunc>,
    UnaryLoops<functors::IntegerPow>, UnaryTestLoops<functors::IsNan>, UnaryTestLoops<functors::IsInf>,
    UnaryTestLoops<functors::IsFinite>>;

}  // namespace weft::cpu
