#pragma once

#include <weft/backends/cuda/grid.hpp>

namespace weft::cuda {

/// `combine` of all threads' values, the same in each, in an order that depends on the block's size alone. The block
/// has whole warps; `offset` is where its shared memory has room for a T per warp. All threads take part. The memory is
/// free again after the next barrier.
template <class T, class Combine>
WEFT_DEVICE T reduce_block(const Thread& thread, T value, Combine combine, size_t offset = 0) {
  for (int mask = warp_size / 2; mask > 0; mask /= 2) value = combine(value, thread.shuffle_xor(value, mask));
  const int warps = thread.block_size() / warp_size;
  if (warps == 1) return value;
  auto partial = thread.template shared<T>(offset, warps);
  if (thread.lane() == 0) partial[thread.warp()] = value;
  thread.sync();
  T result = partial[0];
  for (int warp = 1; warp < warps; ++warp) result = combine(result, static_cast<T>(partial[warp]));
  return result;
}

/// Bytes that reduce_block needs.
template <class T> constexpr size_t reduce_bytes(int threads) {
  return sizeof(T) * static_cast<size_t>(threads / warp_size);
}

struct Sum {
  template <class T> WEFT_DEVICE T operator()(T x, T y) const { return x + y; }
};
/// NaN where either is NaN.
struct Largest {
  template <class T> WEFT_DEVICE T operator()(T x, T y) const { return x > y || x != x ? x : y; }
};

/// Threads for a row of n elements: a warp for short ones, a block of up to 256 for long ones.
inline int threads_for_row(int64_t n) { return n <= 256 ? 32 : n <= 1024 ? 128 : 256; }

}  // namespace weft::cuda
