#pragma once

// Operations on plain registers that xsimd 8.1 lacks or gets wrong: true fma, shuffles, rounding, scaling by powers of
// two. One block per register width; only blocks that the unit's flags allow exist. Everything is forced inline, so
// that no copy compiled for one instruction set can be linked into code for another.

#include <cstdint>
#include <type_traits>

#include <xsimd/xsimd.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define WEFT_SIMD_INLINE inline __attribute__((always_inline))

namespace weft::simd::raw {

template <int lanes> using Lanes = std::integral_constant<int, lanes>;

/// Names for code that is discarded where registers are narrower than AVX-512's.
template <class Register> Register round_even(Register) = delete;
template <class Register> Register scale(Register, Register) = delete;

/// For registers without masked loads and stores. Through memory, lane by lane.
template <class T, class Register> WEFT_SIMD_INLINE Register load_partial(const T* p, int count, Register fill) {
  alignas(sizeof(Register)) T lanes[sizeof(Register) / sizeof(T)];
  __builtin_memcpy(lanes, &fill, sizeof(Register));
  for (int i = 0; i < count; ++i) lanes[i] = p[i];
  __builtin_memcpy(&fill, lanes, sizeof(Register));
  return fill;
}
template <class T, class Register> WEFT_SIMD_INLINE void store_partial(T* p, int count, Register a) {
  alignas(sizeof(Register)) T lanes[sizeof(Register) / sizeof(T)];
  __builtin_memcpy(lanes, &a, sizeof(Register));
  for (int i = 0; i < count; ++i) p[i] = lanes[i];
}

#if defined(__x86_64__)

WEFT_SIMD_INLINE float first(__m128 a) { return _mm_cvtss_f32(a); }
WEFT_SIMD_INLINE double first(__m128d a) { return _mm_cvtsd_f64(a); }
#if !defined(__FMA__)
WEFT_SIMD_INLINE __m128 fma(__m128 a, __m128 b, __m128 c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
WEFT_SIMD_INLINE __m128d fma(__m128d a, __m128d b, __m128d c) { return _mm_add_pd(_mm_mul_pd(a, b), c); }
WEFT_SIMD_INLINE __m128 fnma(__m128 a, __m128 b, __m128 c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }
WEFT_SIMD_INLINE __m128d fnma(__m128d a, __m128d b, __m128d c) { return _mm_sub_pd(c, _mm_mul_pd(a, b)); }
#endif
WEFT_SIMD_INLINE __m128 min(__m128 a, __m128 b) { return _mm_min_ps(a, b); }
WEFT_SIMD_INLINE __m128d min(__m128d a, __m128d b) { return _mm_min_pd(a, b); }
WEFT_SIMD_INLINE __m128 max(__m128 a, __m128 b) { return _mm_max_ps(a, b); }
WEFT_SIMD_INLINE __m128d max(__m128d a, __m128d b) { return _mm_max_pd(a, b); }
WEFT_SIMD_INLINE __m128 swap_blocks(__m128 a, Lanes<2>) { return _mm_shuffle_ps(a, a, 0x4E); }
WEFT_SIMD_INLINE __m128 swap_blocks(__m128 a, Lanes<1>) { return _mm_shuffle_ps(a, a, 0xB1); }
WEFT_SIMD_INLINE __m128d swap_blocks(__m128d a, Lanes<1>) { return _mm_shuffle_pd(a, a, 1); }
WEFT_SIMD_INLINE __m128 zip_low(__m128 a, __m128 b) { return _mm_unpacklo_ps(a, b); }
WEFT_SIMD_INLINE __m128 zip_high(__m128 a, __m128 b) { return _mm_unpackhi_ps(a, b); }
WEFT_SIMD_INLINE __m128d zip_low(__m128d a, __m128d b) { return _mm_unpacklo_pd(a, b); }
WEFT_SIMD_INLINE __m128d zip_high(__m128d a, __m128d b) { return _mm_unpackhi_pd(a, b); }
/// Shifts the bits of an integer held in the low mantissa bits into the exponent.
WEFT_SIMD_INLINE __m128 to_exponent(__m128 a) { return _mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(a), 23)); }
WEFT_SIMD_INLINE __m128d to_exponent(__m128d a) { return _mm_castsi128_pd(_mm_slli_epi64(_mm_castpd_si128(a), 52)); }

#if defined(__AVX2__)
WEFT_SIMD_INLINE float first(__m256 a) { return _mm256_cvtss_f32(a); }
WEFT_SIMD_INLINE double first(__m256d a) { return _mm256_cvtsd_f64(a); }
WEFT_SIMD_INLINE __m256 fma(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
WEFT_SIMD_INLINE __m256d fma(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }
WEFT_SIMD_INLINE __m256 fnma(__m256 a, __m256 b, __m256 c) { return _mm256_fnmadd_ps(a, b, c); }
WEFT_SIMD_INLINE __m256d fnma(__m256d a, __m256d b, __m256d c) { return _mm256_fnmadd_pd(a, b, c); }
WEFT_SIMD_INLINE __m256 min(__m256 a, __m256 b) { return _mm256_min_ps(a, b); }
WEFT_SIMD_INLINE __m256d min(__m256d a, __m256d b) { return _mm256_min_pd(a, b); }
WEFT_SIMD_INLINE __m256 max(__m256 a, __m256 b) { return _mm256_max_ps(a, b); }
WEFT_SIMD_INLINE __m256d max(__m256d a, __m256d b) { return _mm256_max_pd(a, b); }
WEFT_SIMD_INLINE __m256 swap_blocks(__m256 a, Lanes<4>) { return _mm256_permute2f128_ps(a, a, 1); }
WEFT_SIMD_INLINE __m256 swap_blocks(__m256 a, Lanes<2>) { return _mm256_permute_ps(a, 0x4E); }
WEFT_SIMD_INLINE __m256 swap_blocks(__m256 a, Lanes<1>) { return _mm256_permute_ps(a, 0xB1); }
WEFT_SIMD_INLINE __m256d swap_blocks(__m256d a, Lanes<2>) { return _mm256_permute2f128_pd(a, a, 1); }
WEFT_SIMD_INLINE __m256d swap_blocks(__m256d a, Lanes<1>) { return _mm256_permute_pd(a, 0x5); }
WEFT_SIMD_INLINE __m256 zip_low(__m256 a, __m256 b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
WEFT_SIMD_INLINE __m256 zip_high(__m256 a, __m256 b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}
WEFT_SIMD_INLINE __m256d zip_low(__m256d a, __m256d b) {
  return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x20);
}
WEFT_SIMD_INLINE __m256d zip_high(__m256d a, __m256d b) {
  return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x31);
}
WEFT_SIMD_INLINE __m256 to_exponent(__m256 a) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 23));
}
WEFT_SIMD_INLINE __m256d to_exponent(__m256d a) {
  return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(a), 52));
}
WEFT_SIMD_INLINE __m256i first_lanes(int count, float) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
WEFT_SIMD_INLINE __m256i first_lanes(int count, double) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
WEFT_SIMD_INLINE __m256 load_partial(const float* p, int count, __m256 fill) {
  __m256i mask = first_lanes(count, 0.0f);
  return _mm256_blendv_ps(fill, _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask));
}
WEFT_SIMD_INLINE __m256d load_partial(const double* p, int count, __m256d fill) {
  __m256i mask = first_lanes(count, 0.0);
  return _mm256_blendv_pd(fill, _mm256_maskload_pd(p, mask), _mm256_castsi256_pd(mask));
}
WEFT_SIMD_INLINE void store_partial(float* p, int count, __m256 a) {
  _mm256_maskstore_ps(p, first_lanes(count, 0.0f), a);
}
WEFT_SIMD_INLINE void store_partial(double* p, int count, __m256d a) {
  _mm256_maskstore_pd(p, first_lanes(count, 0.0), a);
}
#endif

#if defined(__AVX512F__)
WEFT_SIMD_INLINE float first(__m512 a) { return _mm512_cvtss_f32(a); }
WEFT_SIMD_INLINE double first(__m512d a) { return _mm512_cvtsd_f64(a); }
WEFT_SIMD_INLINE __m512 fma(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
WEFT_SIMD_INLINE __m512d fma(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }
WEFT_SIMD_INLINE __m512 fnma(__m512 a, __m512 b, __m512 c) { return _mm512_fnmadd_ps(a, b, c); }
WEFT_SIMD_INLINE __m512d fnma(__m512d a, __m512d b, __m512d c) { return _mm512_fnmadd_pd(a, b, c); }
WEFT_SIMD_INLINE __m512 min(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
WEFT_SIMD_INLINE __m512d min(__m512d a, __m512d b) { return _mm512_min_pd(a, b); }
WEFT_SIMD_INLINE __m512 max(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
WEFT_SIMD_INLINE __m512d max(__m512d a, __m512d b) { return _mm512_max_pd(a, b); }
WEFT_SIMD_INLINE __m512 swap_blocks(__m512 a, Lanes<8>) { return _mm512_shuffle_f32x4(a, a, 0x4E); }
WEFT_SIMD_INLINE __m512 swap_blocks(__m512 a, Lanes<4>) { return _mm512_shuffle_f32x4(a, a, 0xB1); }
WEFT_SIMD_INLINE __m512 swap_blocks(__m512 a, Lanes<2>) { return _mm512_permute_ps(a, 0x4E); }
WEFT_SIMD_INLINE __m512 swap_blocks(__m512 a, Lanes<1>) { return _mm512_permute_ps(a, 0xB1); }
WEFT_SIMD_INLINE __m512d swap_blocks(__m512d a, Lanes<4>) { return _mm512_shuffle_f64x2(a, a, 0x4E); }
WEFT_SIMD_INLINE __m512d swap_blocks(__m512d a, Lanes<2>) { return _mm512_shuffle_f64x2(a, a, 0xB1); }
WEFT_SIMD_INLINE __m512d swap_blocks(__m512d a, Lanes<1>) { return _mm512_permute_pd(a, 0x55); }
WEFT_SIMD_INLINE __m512 zip_low(__m512 a, __m512 b) {
  const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return _mm512_permutex2var_ps(a, order, b);
}
WEFT_SIMD_INLINE __m512 zip_high(__m512 a, __m512 b) {
  const __m512i order = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return _mm512_permutex2var_ps(a, order, b);
}
WEFT_SIMD_INLINE __m512d zip_low(__m512d a, __m512d b) {
  return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b);
}
WEFT_SIMD_INLINE __m512d zip_high(__m512d a, __m512d b) {
  return _mm512_permutex2var_pd(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b);
}
WEFT_SIMD_INLINE __m512 scale(__m512 a, __m512 n) { return _mm512_scalef_ps(a, n); }
WEFT_SIMD_INLINE __m512d scale(__m512d a, __m512d n) { return _mm512_scalef_pd(a, n); }
WEFT_SIMD_INLINE __m512 round_even(__m512 a) { return _mm512_roundscale_ps(a, 8); }
WEFT_SIMD_INLINE __m512d round_even(__m512d a) { return _mm512_roundscale_pd(a, 8); }
WEFT_SIMD_INLINE __mmask16 first_lanes16(int count) { return static_cast<__mmask16>((1u << count) - 1u); }
WEFT_SIMD_INLINE __mmask8 first_lanes8(int count) { return static_cast<__mmask8>((1u << count) - 1u); }
WEFT_SIMD_INLINE __m512 load_partial(const float* p, int count, __m512 fill) {
  return _mm512_mask_loadu_ps(fill, first_lanes16(count), p);
}
WEFT_SIMD_INLINE __m512d load_partial(const double* p, int count, __m512d fill) {
  return _mm512_mask_loadu_pd(fill, first_lanes8(count), p);
}
WEFT_SIMD_INLINE void store_partial(float* p, int count, __m512 a) {
  _mm512_mask_storeu_ps(p, first_lanes16(count), a);
}
WEFT_SIMD_INLINE void store_partial(double* p, int count, __m512d a) {
  _mm512_mask_storeu_pd(p, first_lanes8(count), a);
}
#endif

#elif defined(__aarch64__)

WEFT_SIMD_INLINE float first(float32x4_t a) { return vgetq_lane_f32(a, 0); }
WEFT_SIMD_INLINE double first(float64x2_t a) { return vgetq_lane_f64(a, 0); }
WEFT_SIMD_INLINE float32x4_t fma(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
WEFT_SIMD_INLINE float64x2_t fma(float64x2_t a, float64x2_t b, float64x2_t c) { return vfmaq_f64(c, a, b); }
WEFT_SIMD_INLINE float32x4_t fnma(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmsq_f32(c, a, b); }
WEFT_SIMD_INLINE float64x2_t fnma(float64x2_t a, float64x2_t b, float64x2_t c) { return vfmsq_f64(c, a, b); }
WEFT_SIMD_INLINE float32x4_t sqrt(float32x4_t a) { return vsqrtq_f32(a); }
WEFT_SIMD_INLINE float64x2_t sqrt(float64x2_t a) { return vsqrtq_f64(a); }
WEFT_SIMD_INLINE float32x4_t min(float32x4_t a, float32x4_t b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
WEFT_SIMD_INLINE float64x2_t min(float64x2_t a, float64x2_t b) { return vbslq_f64(vcltq_f64(a, b), a, b); }
WEFT_SIMD_INLINE float32x4_t max(float32x4_t a, float32x4_t b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
WEFT_SIMD_INLINE float64x2_t max(float64x2_t a, float64x2_t b) { return vbslq_f64(vcgtq_f64(a, b), a, b); }
WEFT_SIMD_INLINE float32x4_t swap_blocks(float32x4_t a, Lanes<2>) { return vextq_f32(a, a, 2); }
WEFT_SIMD_INLINE float32x4_t swap_blocks(float32x4_t a, Lanes<1>) { return vrev64q_f32(a); }
WEFT_SIMD_INLINE float64x2_t swap_blocks(float64x2_t a, Lanes<1>) { return vextq_f64(a, a, 1); }
WEFT_SIMD_INLINE float32x4_t zip_low(float32x4_t a, float32x4_t b) { return vzip1q_f32(a, b); }
WEFT_SIMD_INLINE float32x4_t zip_high(float32x4_t a, float32x4_t b) { return vzip2q_f32(a, b); }
WEFT_SIMD_INLINE float64x2_t zip_low(float64x2_t a, float64x2_t b) { return vzip1q_f64(a, b); }
WEFT_SIMD_INLINE float64x2_t zip_high(float64x2_t a, float64x2_t b) { return vzip2q_f64(a, b); }
WEFT_SIMD_INLINE float32x4_t to_exponent(float32x4_t a) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(a), 23));
}
WEFT_SIMD_INLINE float64x2_t to_exponent(float64x2_t a) {
  return vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(a), 52));
}

#endif

}  // namespace weft::simd::raw
