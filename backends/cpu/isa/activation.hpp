#pragma once

#include <weft/autograd/ops/activation_functors.hpp>
#include <weft/backends/cpu/isa/elementwise.hpp>

namespace weft::cpu {

using ActivationKernels =
    LoopSet<Loops<functors::GeluTanh, 1>, Loops<functors::GeluTanhGrad, 2>, Loops<functors::GeluErf, 1>,
            Loops<functors::GeluErfGrad, 2>, Loops<functors::Silu, 1>, Loops<functors::SiluGrad, 2>>;

}  // namespace weft::cpu
