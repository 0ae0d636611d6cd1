#pragma once

#include <cstdint>

#include <weft/core/random.hpp>

namespace weft::cpu {

/// Draws of elements [4 first, 4 first + n), whose words are those of random_block() in core/random.hpp.
template <class T> struct RandomTypeKernels {
  /// y = x * scale where the word's upper 24 bits are at least `threshold`, else 0.
  void (*dropout)(const RandomKey& key, uint64_t first, int64_t n, uint32_t threshold, T scale, const T* x, T* y);
  /// low + span * (the word's upper 24 bits / 2^24), in double precision, at most `most`.
  void (*uniform)(const RandomKey& key, uint64_t first, int64_t n, double low, double span, T most, T* y);
};

struct RandomKernels {
  /// The words of `blocks` Philox blocks from `first` on, four each.
  void (*words)(const RandomKey& key, uint64_t first, int64_t blocks, uint32_t* out);
  RandomTypeKernels<float> f32;
  RandomTypeKernels<double> f64;
  template <class T> const RandomTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
