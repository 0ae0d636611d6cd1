#pragma once

// Taking floating-point registers apart, and widening them: what logarithms and powers need beyond registers.hpp.

#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::simd {
namespace raw {

/// A number's bits moved to the lowest places of an integer, as a number: its biased exponent once the sign is out.
/// add and subtract work on the bits.
#if defined(__x86_64__)

WEFT_SIMD_INLINE __m128 high_bits(__m128 a) { return _mm_cvtepi32_ps(_mm_srli_epi32(_mm_castps_si128(a), 23)); }
WEFT_SIMD_INLINE __m128d high_bits(__m128d a) {
  const __m128d whole = _mm_set1_pd(4503599627370496.0);  // 2^52: low bits hold an integer
  __m128i shifted = _mm_srli_epi64(_mm_castpd_si128(a), 52);
  return _mm_sub_pd(_mm_or_pd(_mm_castsi128_pd(shifted), whole), whole);
}
WEFT_SIMD_INLINE __m128 add_bits(__m128 a, __m128 b) {
  return _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(a), _mm_castps_si128(b)));
}
WEFT_SIMD_INLINE __m128d add_bits(__m128d a, __m128d b) {
  return _mm_castsi128_pd(_mm_add_epi64(_mm_castpd_si128(a), _mm_castpd_si128(b)));
}
WEFT_SIMD_INLINE __m128 subtract_bits(__m128 a, __m128 b) {
  return _mm_castsi128_ps(_mm_sub_epi32(_mm_castps_si128(a), _mm_castps_si128(b)));
}
WEFT_SIMD_INLINE __m128d subtract_bits(__m128d a, __m128d b) {
  return _mm_castsi128_pd(_mm_sub_epi64(_mm_castpd_si128(a), _mm_castpd_si128(b)));
}
WEFT_SIMD_INLINE void widen(__m128 a, __m128d& low, __m128d& high) {
  low = _mm_cvtps_pd(a);
  high = _mm_cvtps_pd(_mm_movehl_ps(a, a));
}
/// The upper 24 bits of words, as numbers.
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, __m128& y) {
  y = _mm_cvtepi32_ps(_mm_srli_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), 8));
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, __m128d& y) {
  y = _mm_cvtepi32_pd(_mm_srli_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), 8));
}
WEFT_SIMD_INLINE __m128 narrow(__m128d low, __m128d high) {
  return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}

#if defined(__AVX2__)
WEFT_SIMD_INLINE __m256 high_bits(__m256 a) {
  return _mm256_cvtepi32_ps(_mm256_srli_epi32(_mm256_castps_si256(a), 23));
}
WEFT_SIMD_INLINE __m256d high_bits(__m256d a) {
  const __m256d whole = _mm256_set1_pd(4503599627370496.0);
  __m256i shifted = _mm256_srli_epi64(_mm256_castpd_si256(a), 52);
  return _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(shifted), whole), whole);
}
WEFT_SIMD_INLINE __m256 add_bits(__m256 a, __m256 b) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
WEFT_SIMD_INLINE __m256d add_bits(__m256d a, __m256d b) {
  return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b)));
}
WEFT_SIMD_INLINE __m256 subtract_bits(__m256 a, __m256 b) {
  return _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
WEFT_SIMD_INLINE __m256d subtract_bits(__m256d a, __m256d b) {
  return _mm256_castsi256_pd(_mm256_sub_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b)));
}
WEFT_SIMD_INLINE void widen(__m256 a, __m256d& low, __m256d& high) {
  low = _mm256_cvtps_pd(_mm256_castps256_ps128(a));
  high = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, __m256& y) {
  y = _mm256_cvtepi32_ps(_mm256_srli_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), 8));
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, __m256d& y) {
  y = _mm256_cvtepi32_pd(_mm_srli_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), 8));
}
WEFT_SIMD_INLINE __m256 narrow(__m256d low, __m256d high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}
#endif

#if defined(__AVX512F__)
WEFT_SIMD_INLINE __m512 estimate_reciprocal(__m512 a) { return _mm512_rcp14_ps(a); }
WEFT_SIMD_INLINE __m512 exponent(__m512 a) { return _mm512_getexp_ps(a); }
WEFT_SIMD_INLINE __m512d exponent(__m512d a) { return _mm512_getexp_pd(a); }
WEFT_SIMD_INLINE __m512 mantissa(__m512 a) { return _mm512_getmant_ps(a, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan); }
WEFT_SIMD_INLINE __m512d mantissa(__m512d a) { return _mm512_getmant_pd(a, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan); }
WEFT_SIMD_INLINE void widen(__m512 a, __m512d& low, __m512d& high) {
  low = _mm512_cvtps_pd(_mm512_castps512_ps256(a));
  high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1));
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, __m512& y) {
  y = _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_loadu_si512(p), 8));
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, __m512d& y) {
  y = _mm512_cvtepi32_pd(_mm256_srli_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), 8));
}
WEFT_SIMD_INLINE __m512 narrow(__m512d low, __m512d high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}
#endif

#elif defined(__aarch64__)

WEFT_SIMD_INLINE float32x4_t high_bits(float32x4_t a) {
  return vcvtq_f32_u32(vshrq_n_u32(vreinterpretq_u32_f32(a), 23));
}
WEFT_SIMD_INLINE float64x2_t high_bits(float64x2_t a) {
  return vcvtq_f64_u64(vshrq_n_u64(vreinterpretq_u64_f64(a), 52));
}
WEFT_SIMD_INLINE float32x4_t add_bits(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
}
WEFT_SIMD_INLINE float64x2_t add_bits(float64x2_t a, float64x2_t b) {
  return vreinterpretq_f64_u64(vaddq_u64(vreinterpretq_u64_f64(a), vreinterpretq_u64_f64(b)));
}
WEFT_SIMD_INLINE float32x4_t subtract_bits(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_u32(vsubq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
}
WEFT_SIMD_INLINE float64x2_t subtract_bits(float64x2_t a, float64x2_t b) {
  return vreinterpretq_f64_u64(vsubq_u64(vreinterpretq_u64_f64(a), vreinterpretq_u64_f64(b)));
}
WEFT_SIMD_INLINE void widen(float32x4_t a, float64x2_t& low, float64x2_t& high) {
  low = vcvt_f64_f32(vget_low_f32(a));
  high = vcvt_high_f64_f32(a);
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, float32x4_t& y) {
  y = vcvtq_f32_u32(vshrq_n_u32(vld1q_u32(p), 8));
}
WEFT_SIMD_INLINE void load_upper_24(const uint32_t* p, float64x2_t& y) {
  y = vcvtq_f64_u64(vmovl_u32(vshr_n_u32(vld1_u32(p), 8)));
}
WEFT_SIMD_INLINE float32x4_t narrow(float64x2_t low, float64x2_t high) {
  return vcvt_high_f32_f64(vcvt_f32_f64(low), high);
}

#endif

/// For code that is discarded where registers are narrower than AVX-512's.
template <class Register> Register exponent(Register) = delete;
template <class Register> Register mantissa(Register) = delete;
template <class Register> Register estimate_reciprocal(Register) = delete;

}  // namespace raw

/// x = mantissa 2^exponent, mantissa in [0.75, 1.5). For x that is normal and positive; with AVX-512 also for
/// subnormals, for 0 (1 and -inf), inf (1 and inf) and negative numbers (NaN).
template <class V> struct Split { V mantissa, exponent; };

template <class T, class Arch> WEFT_SIMD_INLINE Split<Vec<T, Arch>> split_normal(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  using Register = typename V::Register;
  if constexpr (sizeof(V) == 64) {
    V m = raw::mantissa(Register(x));
    return {m, V(raw::exponent(Register(x))) - V(raw::exponent(Register(m)))};
  } else {
    // Exponents are counted from 0.75, and raised so that none is negative.
    constexpr T raise = sizeof(T) == 4 ? T(128) : T(1024);
    const V from(T(0.75)), raised(T(2));  // the bits of 2 are `raise` in the exponent
    V bits = raw::add_bits(raw::subtract_bits(Register(x), Register(from)), Register(raised));
    V e = V(raw::high_bits(Register(bits))) - V(raise);
    // What is to be taken off the exponent's bits is e, found as the difference of the bits of 2^e and of 1.
    constexpr T magic = sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0);
    V shift = raw::to_exponent(Register(e + V(magic)));
    return {raw::subtract_bits(Register(x), Register(shift)), e};
  }
}

}  // namespace weft::simd
