#pragma once

#include <weft/autograd/ops/binary_functors.hpp>
#include <weft/backends/cpu/isa/elementwise.hpp>

namespace weft::cpu {

template <class F> using BinaryLoops = Loops<F, 2>;
template <class F> using BinaryTestLoops = Loops<F, 2, true>;

using BinaryKernels =
    LoopSet<BinaryLoops<functors::Add>, BinaryLoops<functors::Subtract>, BinaryLoops<functors::Multiply>,
            BinaryLoops<functors::Divide>, BinaryLoops<functors::Maximum>, BinaryLoops<functors::Minimum>,
            BinaryLoops<functors::FloorDivide>, BinaryLoops<functors::Power>, BinaryLoops<functors::LogAddExp>,
            BinaryLoops<functors::Step>, BinaryLoops<functors::ReluGrad>, BinaryTestLoops<functors::Equal>,
            BinaryTestLoops<functors::NotEqual>, BinaryTestLoops<functors::Less>, BinaryTestLoops<functors::LessEqual>,
            BinaryTestLoops<functors::Greater>, BinaryTestLoops<functors::GreaterEqual>>;

}  // namespace weft::cpu
