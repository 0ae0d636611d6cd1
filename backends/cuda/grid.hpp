#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <weft/core/host_device.hpp>

// What a kernel knows of the thread that runs it. A kernel is a struct of arguments with
//   WEFT_DEVICE void operator()(const Thread& thread) const;
// which nvcc compiles for the GPU, and any compiler for the emulation that tests run (emulation/emulator.hpp). Blocks
// and grids have one axis; warps have 32 lanes.

#ifdef __CUDACC__

#define WEFT_DEVICE __device__

namespace weft::cuda {

constexpr int warp_size = 32;

WEFT_DEVICE inline int count_bits(uint32_t bits) { return __popc(bits); }

/// A block's array in shared memory.
template <class T> class Shared {
 public:
  WEFT_DEVICE explicit Shared(T* data) : data_(data) {}
  WEFT_DEVICE T& operator[](int i) const { return data_[i]; }

 private:
  T* data_;
};

class Thread {
 public:
  WEFT_DEVICE int index() const { return static_cast<int>(threadIdx.x); }
  WEFT_DEVICE int block_size() const { return static_cast<int>(blockDim.x); }
  WEFT_DEVICE int64_t block() const { return blockIdx.x; }
  WEFT_DEVICE int64_t blocks() const { return gridDim.x; }
  WEFT_DEVICE void sync() const { __syncthreads(); }
  /// The value that the lane with this lane's number xor `mask` holds.
  template <class T> WEFT_DEVICE T shuffle_xor(T value, int mask) const {
    if constexpr (std::is_arithmetic_v<T>) {
      return __shfl_xor_sync(0xffffffffu, value, mask);
    } else {  // word by word
      static_assert(sizeof(T) % sizeof(int) == 0 && std::is_trivially_copyable_v<T>);
      int words[sizeof(T) / sizeof(int)];
      memcpy(words, &value, sizeof(T));
      for (int& word : words) word = __shfl_xor_sync(0xffffffffu, word, mask);
      memcpy(&value, words, sizeof(T));
      return value;
    }
  }
  /// Bit i: what lane i of the warp says.
  WEFT_DEVICE uint32_t ballot(bool mine) const { return __ballot_sync(0xffffffffu, mine); }
  /// `count` values in shared memory, `offset` bytes from its beginning (a multiple of their alignment).
  template <class T> WEFT_DEVICE Shared<T> shared(size_t offset, int count) const {
    extern __shared__ __align__(16) unsigned char memory[];
    static_cast<void>(count);
    return Shared<T>(reinterpret_cast<T*>(memory + offset));
  }

  /// This thread's number in the whole grid, and how many there are.
  WEFT_DEVICE int64_t global_index() const { return block() * block_size() + index(); }
  WEFT_DEVICE int64_t global_size() const { return blocks() * block_size(); }
  WEFT_DEVICE int lane() const { return index() % warp_size; }
  WEFT_DEVICE int warp() const { return index() / warp_size; }
};

}  // namespace weft::cuda

#else

#define WEFT_DEVICE

#include <weft/backends/cuda/emulation/emulated_thread.hpp>

#endif
