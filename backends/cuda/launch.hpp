#pragma once

#include <algorithm>

#include <weft/backends/cuda/grid.hpp>

#ifdef __CUDACC__
#include <weft/backends/cuda/stream.hpp>
#else
#include <weft/backends/cuda/emulation/emulator.hpp>
#endif

// How host code starts kernels (grid.hpp): on the current stream of the GPU, or in the emulation.

namespace weft::cuda {

/// Threads of a block where nothing else speaks for a number.
constexpr int usual_threads = 256;

namespace detail {

#ifdef __CUDACC__

template <class Kernel> __global__ void run_kernel(const __grid_constant__ Kernel kernel) { kernel(Thread()); }

template <class Kernel> void launch(const Kernel& kernel, int64_t blocks, int threads, size_t shared_bytes, bool) {
  constexpr size_t granted = size_t{48} << 10;  // without asking
  if (shared_bytes > granted)
    cudaFuncSetAttribute(run_kernel<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                         static_cast<int>(shared_bytes));
  run_kernel<Kernel>
      <<<static_cast<unsigned>(blocks), static_cast<unsigned>(threads), shared_bytes, current_stream()>>>(kernel);
  note_launch(__PRETTY_FUNCTION__);
}

#else

template <class Kernel>
void launch(const Kernel& kernel, int64_t blocks, int threads, size_t shared_bytes, bool together) {
  emulation::run(__PRETTY_FUNCTION__, blocks, threads, shared_bytes, together, kernel);
}

#endif

}  // namespace detail

/// Runs `kernel` in `blocks` blocks of `threads` threads, behind what the stream has to do already. No blocks are
/// nothing to do. The threads know nothing of each other.
template <class Kernel> void launch(const Kernel& kernel, int64_t blocks, int threads) {
  if (blocks > 0) detail::launch(kernel, blocks, threads, 0, false);
}

/// The same for a kernel whose threads wait for each other, with `shared_bytes` of shared memory for each block.
template <class Kernel> void launch_blocks(const Kernel& kernel, int64_t blocks, int threads, size_t shared_bytes) {
  if (blocks > 0) detail::launch(kernel, blocks, threads, shared_bytes, true);
}

/// The blocks for n independent elements, `each` to a thread; kernels stride over what is left.
inline int64_t blocks_for(int64_t n, int64_t each = 1, int threads = usual_threads) {
  constexpr int64_t most = 132 * 16;  // a few waves of the largest GPU served
  const int64_t per_block = each * threads;
  return std::min((n + per_block - 1) / per_block, most);
}

}  // namespace weft::cuda
