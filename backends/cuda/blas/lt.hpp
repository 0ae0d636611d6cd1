#pragma once

#include <weft/backends/cuda/blas/lt_plan.hpp>

namespace weft::cuda {

/// Whether cuBLASLt was found, and libraries are allowed.
bool has_lt();

/// Makes the plan's calls on the current stream. False, and nothing is done, where the library is missing or has no
/// algorithm for them.
bool run_lt(const LtPlan& plan);

}  // namespace weft::cuda
