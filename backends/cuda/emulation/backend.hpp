#pragma once

#include <weft/core/device.hpp>

namespace weft::cuda {

/// The backend `cuda_emulated`: the kernels of `cuda`, run one thread after the other in memory that nobody else
/// may touch (guarded_memory.hpp), with shared memory checked. For tests; slow. Registered at the first call.
Device emulated_device();

}  // namespace weft::cuda
