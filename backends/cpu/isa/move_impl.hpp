#pragma once

#include <weft/backends/cpu/isa/move.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::simd::raw {

// Half precision, where the processor converts it: 16 or 8 numbers at a time.
#if defined(__AVX512F__)
constexpr int half_lanes = 16;
WEFT_SIMD_INLINE void store_float16(const float* x, uint16_t* y) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_cvtps_ph(_mm512_loadu_ps(x), 0));
}
WEFT_SIMD_INLINE void load_float16(const uint16_t* x, float* y) {
  _mm512_storeu_ps(y, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))));
}
#elif defined(__F16C__)
constexpr int half_lanes = 8;
WEFT_SIMD_INLINE void store_float16(const float* x, uint16_t* y) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm256_cvtps_ph(_mm256_loadu_ps(x), 0));
}
WEFT_SIMD_INLINE void load_float16(const uint16_t* x, float* y) {
  _mm256_storeu_ps(y, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
}
#elif defined(__aarch64__)
constexpr int half_lanes = 4;
WEFT_SIMD_INLINE void store_float16(const float* x, uint16_t* y) {
  vst1_u16(y, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x))));
}
WEFT_SIMD_INLINE void load_float16(const uint16_t* x, float* y) {
  vst1q_f32(y, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x))));
}
#else
constexpr int half_lanes = 0;
WEFT_SIMD_INLINE void store_float16(const float*, uint16_t*) {}
WEFT_SIMD_INLINE void load_float16(const uint16_t*, float*) {}
#endif

}  // namespace weft::simd::raw

namespace weft::cpu {

/// A block of at most a register's lanes squared.
template <class T, class Arch>
WEFT_SIMD_INLINE void transpose_tile(const T* from, int64_t from_row, T* to, int64_t to_row, int rows, int columns) {
  using V = simd::Vec<T, Arch>;
  V block[V::size];
  if (rows == V::size && columns == V::size) {
#pragma GCC unroll 16
    for (int c = 0; c < V::size; ++c) block[c] = V::load(from + c * from_row);
    simd::transpose(block);
#pragma GCC unroll 16
    for (int r = 0; r < V::size; ++r) block[r].store(to + r * to_row);
  } else {
    for (int c = 0; c < V::size; ++c) block[c] = c < columns ? V::load(from + c * from_row, rows) : V(T(0));
    simd::transpose(block);
    for (int r = 0; r < rows; ++r) block[r].store(to + r * to_row, columns);
  }
}

/// Blocks of 64 by 64, which are few enough pages at once.
template <class T, class Arch>
void transpose_elements(const T* from, int64_t from_row, T* to, int64_t to_row, int64_t rows, int64_t columns) {
  constexpr int64_t block = 64, lanes = simd::Vec<T, Arch>::size;
  const auto least = [](int64_t a, int64_t b) __attribute__((always_inline)) { return a < b ? a : b; };
  for (int64_t row = 0; row < rows; row += block)
    for (int64_t column = 0; column < columns; column += block)
      for (int64_t r = row; r < least(row + block, rows); r += lanes)
        for (int64_t c = column; c < least(column + block, columns); c += lanes)
          transpose_tile<T, Arch>(from + r + c * from_row, from_row, to + r * to_row + c, to_row,
                                  static_cast<int>(least(lanes, rows - r)),
                                  static_cast<int>(least(lanes, columns - c)));
}

template <class Arch> void floats_to_float16(const float* x, uint16_t* y, int64_t n) {
  constexpr int lanes = simd::raw::half_lanes;
  if constexpr (lanes > 0) {
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) simd::raw::store_float16(x + i, y + i);
    if (i == n) return;
    float rest[lanes] = {};
    uint16_t halves[lanes];
    for (int64_t j = i; j < n; ++j) rest[j - i] = x[j];
    simd::raw::store_float16(rest, halves);
    for (int64_t j = i; j < n; ++j) y[j] = halves[j - i];
  }
}

template <class Arch> void float16_to_floats(const uint16_t* x, float* y, int64_t n) {
  constexpr int lanes = simd::raw::half_lanes;
  if constexpr (lanes > 0) {
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) simd::raw::load_float16(x + i, y + i);
    if (i == n) return;
    uint16_t rest[lanes] = {};
    float floats[lanes];
    for (int64_t j = i; j < n; ++j) rest[j - i] = x[j];
    simd::raw::load_float16(rest, floats);
    for (int64_t j = i; j < n; ++j) y[j] = floats[j - i];
  }
}

// Without branches, so that the compiler makes vectors of it.
template <class Arch> void floats_to_bfloat16(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t word;
    __builtin_memcpy(&word, x + i, sizeof(word));
    const uint32_t quiet = (word >> 16) | 0x40u, rounded = (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
    y[i] = static_cast<uint16_t>((word & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
  }
}

template <class Arch> void bfloat16_to_floats(const uint16_t* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t word = static_cast<uint32_t>(x[i]) << 16;
    __builtin_memcpy(y + i, &word, sizeof(word));
  }
}

template <class Arch> constexpr MoveKernels make_move_kernels() {
  constexpr bool halves = simd::raw::half_lanes > 0;
  return {&transpose_elements<float, Arch>,
          &transpose_elements<double, Arch>,
          halves ? &floats_to_float16<Arch> : nullptr,
          halves ? &float16_to_floats<Arch> : nullptr,
          &floats_to_bfloat16<Arch>,
          &bfloat16_to_floats<Arch>};
}

}  // namespace weft::cpu
