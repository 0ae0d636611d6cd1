#pragma once

#include <weft/backends/cuda/blas/lt_plan.hpp>

namespace weft::cuda {

/// In the emulation there is no cuBLASLt, unless a test brings a function to make its calls; null takes it away.
void set_lt_stand_in(bool (*run)(const LtPlan&));

}  // namespace weft::cuda
