#pragma once

#include <functional>
#include <stdexcept>

#include <weft/backends/cuda/emulation/emulated_thread.hpp>

namespace weft::cuda::emulation {

/// What a kernel did wrong: a race, an index out of shared memory, a barrier that not all threads reach.
struct EmulationError : std::logic_error {
  using std::logic_error::logic_error;
};

/// Runs `kernel` for every thread of `blocks` blocks of `threads`, one block after the other. Threads that
/// run `together` are fibers, which take turns at barriers and shuffles; else they run one after the other.
/// Throws ValueError for a grid that no GPU would take, EmulationError naming kernel, block and thread.
void run(const char* name, int64_t blocks, int threads, size_t shared_bytes, bool together,
         const std::function<void(const Thread&)>& kernel);

}  // namespace weft::cuda::emulation
