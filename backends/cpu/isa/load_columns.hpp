#pragma once

// Columns of rows in memory, one row per lane: in blocks of 4 x 4, which takes a quarter of the shuffles that
// transposing whole registers does.

#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::simd {
namespace raw {

#if defined(__x86_64__)

/// Block b of the register: four numbers of row 4 b + i.
WEFT_SIMD_INLINE void load_blocks(const float* const* rows, int i, int64_t column, __m128& to) {
  to = _mm_loadu_ps(rows[i] + column);
}
WEFT_SIMD_INLINE __m128 zip_low_pairs(__m128 a, __m128 b) { return _mm_movelh_ps(a, b); }
WEFT_SIMD_INLINE __m128 zip_high_pairs(__m128 a, __m128 b) { return _mm_movehl_ps(b, a); }
/// As zip_low and zip_high, in each block of four.
WEFT_SIMD_INLINE __m128 zip_low_blocks(__m128 a, __m128 b) { return _mm_unpacklo_ps(a, b); }
WEFT_SIMD_INLINE __m128 zip_high_blocks(__m128 a, __m128 b) { return _mm_unpackhi_ps(a, b); }

#if defined(__AVX2__)
WEFT_SIMD_INLINE void load_blocks(const float* const* rows, int i, int64_t column, __m256& to) {
  to = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[i] + column)), _mm_loadu_ps(rows[i + 4] + column),
                            1);
}
WEFT_SIMD_INLINE __m256 zip_low_pairs(__m256 a, __m256 b) {
  return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}
WEFT_SIMD_INLINE __m256 zip_high_pairs(__m256 a, __m256 b) {
  return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}
WEFT_SIMD_INLINE __m256 zip_low_blocks(__m256 a, __m256 b) { return _mm256_unpacklo_ps(a, b); }
WEFT_SIMD_INLINE __m256 zip_high_blocks(__m256 a, __m256 b) { return _mm256_unpackhi_ps(a, b); }
#endif

#if defined(__AVX512F__)
WEFT_SIMD_INLINE void load_blocks(const float* const* rows, int i, int64_t column, __m512& to) {
  to = _mm512_castps128_ps512(_mm_loadu_ps(rows[i] + column));
  to = _mm512_insertf32x4(to, _mm_loadu_ps(rows[i + 4] + column), 1);
  to = _mm512_insertf32x4(to, _mm_loadu_ps(rows[i + 8] + column), 2);
  to = _mm512_insertf32x4(to, _mm_loadu_ps(rows[i + 12] + column), 3);
}
WEFT_SIMD_INLINE __m512 zip_low_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
WEFT_SIMD_INLINE __m512 zip_high_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
WEFT_SIMD_INLINE __m512 zip_low_blocks(__m512 a, __m512 b) { return _mm512_unpacklo_ps(a, b); }
WEFT_SIMD_INLINE __m512 zip_high_blocks(__m512 a, __m512 b) { return _mm512_unpackhi_ps(a, b); }
#endif

#elif defined(__aarch64__)

WEFT_SIMD_INLINE void load_blocks(const float* const* rows, int i, int64_t column, float32x4_t& to) {
  to = vld1q_f32(rows[i] + column);
}
WEFT_SIMD_INLINE float32x4_t zip_low_pairs(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}
WEFT_SIMD_INLINE float32x4_t zip_high_pairs(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}
WEFT_SIMD_INLINE float32x4_t zip_low_blocks(float32x4_t a, float32x4_t b) { return vzip1q_f32(a, b); }
WEFT_SIMD_INLINE float32x4_t zip_high_blocks(float32x4_t a, float32x4_t b) { return vzip2q_f32(a, b); }

#endif

}  // namespace raw

/// Lane r of to[i] = rows[r][column + i].
template <class Arch>
WEFT_SIMD_INLINE void load_columns(const float* const* rows, int64_t column, Vec<float, Arch> (&to)[4]) {
  using Register = typename Vec<float, Arch>::Register;
  Register x[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) raw::load_blocks(rows, i, column, x[i]);
  const Register low01 = raw::zip_low_blocks(x[0], x[1]), high01 = raw::zip_high_blocks(x[0], x[1]);
  const Register low23 = raw::zip_low_blocks(x[2], x[3]), high23 = raw::zip_high_blocks(x[2], x[3]);
  to[0] = raw::zip_low_pairs(low01, low23);
  to[1] = raw::zip_high_pairs(low01, low23);
  to[2] = raw::zip_low_pairs(high01, high23);
  to[3] = raw::zip_high_pairs(high01, high23);
}

}  // namespace weft::simd
