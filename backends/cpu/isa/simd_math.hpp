#pragma once

// Functions of mathematics on Vec. exp, exp2, tanh and erf are our own (xsimd's flush results below 2^-126, overflow
// early or are slow); the others are xsimd's. All are good to a few units in the last place; NaN gives NaN.

#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::simd {
namespace detail {

/// c[0] + x c[1] + x^2 c[2] + ...
template <int count, class V> WEFT_SIMD_INLINE V polynomial(V x, const typename V::value_type (&c)[count]) {
  V y = V(c[count - 1]);
#pragma GCC unroll 16
  for (int i = count - 2; i >= 0; --i) y = fma(y, x, V(c[i]));
  return y;
}

/// Nearest integer; |x| < 2^22 for float, 2^51 for double.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> round_small(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(V) == 64) {
    return raw::round_even(typename V::Register(x));
  } else {
    constexpr T magic = sizeof(T) == 4 ? T(12582912.0) : T(6755399441055744.0);
    return (x + V(magic)) - V(magic);
  }
}

/// 2^n for an integer n in the exponent's normal range.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> power_of_two(Vec<T, Arch> n) {
  using V = Vec<T, Arch>;
  constexpr T magic = sizeof(T) == 4 ? T(12582912.0 + 127) : T(6755399441055744.0 + 1023);
  return raw::to_exponent(typename V::Register(n + V(magic)));
}

/// x 2^n, through subnormals and to infinity; |n| at most twice the exponent's range.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> scale(Vec<T, Arch> x, Vec<T, Arch> n) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(V) == 64) {
    return raw::scale(typename V::Register(x), typename V::Register(n));
  } else {
    V half = round_small(n * V(T(0.5)));
    return x * power_of_two(half) * power_of_two(n - half);
  }
}

/// e^r for |r| <= ln(2)/2.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp_reduced(Vec<T, Arch> r) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 4) {
    // Cephes expf: 1 + r + r^2 P(r).
    V p = polynomial(r, {5.0000001201e-1f, 1.6666665459e-1f, 4.1665795894e-2f, 8.3334519073e-3f, 1.3981999507e-3f,
                         1.9875691500e-4f});
    return fma(p, r * r, r) + V(T(1));
  } else {
    // Taylor: the first term left out is below 4e-18.
    return polynomial(r, {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                          1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0});
  }
}

/// 2^r for |r| <= 1/2.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp2_reduced(Vec<T, Arch> r) {
  if constexpr (sizeof(T) == 4) {
    // Minimax of degree 5 with 2^0 = 1 exactly, 9.2e-8 relative.
    return polynomial(r, {1.0f, 0.6931469776f, 0.2402224208f, 0.05550733735f, 0.009671513309f, 0.001326473191f});
  } else {
    return exp_reduced(r * Vec<T, Arch>(T(0.69314718055994530942)));
  }
}

}  // namespace detail

/// e^x, with subnormal results and infinity where they belong.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  constexpr bool is_float = sizeof(T) == 4;
  x = max(V(is_float ? T(-104) : T(-746)), min(V(is_float ? T(89) : T(710)), x));
  V n = detail::round_small(x * V(T(1.44269504088896340736)));
  V r = fnma(n, V(is_float ? T(0.693359375) : T(6.93145751953125e-1)), x);
  r = fnma(n, V(is_float ? T(-2.12194440e-4) : T(1.42860682030941723212e-6)), r);
  return detail::scale(detail::exp_reduced(r), n);
}

/// 2^x, with subnormal results and infinity where they belong.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp2(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  constexpr bool is_float = sizeof(T) == 4;
  x = max(V(is_float ? T(-151) : T(-1076)), min(V(is_float ? T(129) : T(1025)), x));
  V n = detail::round_small(x);
  return detail::scale(detail::exp2_reduced(x - n), n);
}

/// 2^x for softmax: x <= 0 (at most 100), -inf and NaN allowed; exactly 0 below the normal range, or graceful underflow
/// where that costs nothing.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp2_nonpositive(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  constexpr T lowest = sizeof(T) == 4 ? T(-126) : T(-1022);
  if constexpr (sizeof(V) == 64) {
    x = max(V(T(2) * lowest), x);  // -inf - -inf would be NaN
    V n = detail::round_small(x);
    return detail::scale(detail::exp2_reduced(x - n), n);
  } else {
    V clamped = max(V(lowest), x);
    V n = detail::round_small(clamped);
    V y = detail::exp2_reduced(clamped - n) * detail::power_of_two(n);
    return select(x < V(lowest), V(T(0)), y);
  }
}

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> tanh(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 4) {
    // Rational approximation of degree 13/6, as in Eigen; 1 beyond the clamp.
    V c = max(V(-7.90531110763549805f), min(V(7.90531110763549805f), x));
    V s = c * c;
    V p = detail::polynomial(
        s, {4.89352455891786e-03f, 6.37261928875436e-04f, 1.48572235717979e-05f, 5.12229709037114e-08f,
            -8.60467152213735e-11f, 2.00018790482477e-13f, -2.76076847742355e-16f});
    V q = detail::polynomial(
        s, {4.89352518554385e-03f, 2.26843463243900e-03f, 1.18534705686654e-04f, 1.19825839466702e-06f});
    return select(abs(x) < V(0.0004f), x, c * (p / q));
  } else {
    return V(xsimd::tanh(x.b));
  }
}

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> erf(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 4) {
    // Rational approximation of degree 13/8, as in Eigen; 1 beyond the clamp.
    V c = max(V(-4.0f), min(V(4.0f), x));
    V s = c * c;
    V p = detail::polynomial(
        s, {-1.60960333262415e-02f, -2.95459980854025e-03f, -7.34990630326855e-04f, -5.69250639462346e-05f,
            -2.10102402082508e-06f, 2.77068142495902e-08f, -2.72614225801306e-10f});
    V q = detail::polynomial(s, {-1.42647390514189e-02f, -7.37332916720468e-03f, -1.68282697438203e-03f,
                                 -2.13374055278905e-04f, -1.45660718464996e-05f});
    return c * (p / q);
  } else {
    return V(xsimd::erf(x.b));
  }
}

#define WEFT_SIMD_FROM_XSIMD(name) \
  template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> name(Vec<T, Arch> x) { return xsimd::name(x.b); }
WEFT_SIMD_FROM_XSIMD(log)
WEFT_SIMD_FROM_XSIMD(log2)
WEFT_SIMD_FROM_XSIMD(log10)
WEFT_SIMD_FROM_XSIMD(log1p)
WEFT_SIMD_FROM_XSIMD(expm1)
WEFT_SIMD_FROM_XSIMD(asin)
WEFT_SIMD_FROM_XSIMD(acos)
WEFT_SIMD_FROM_XSIMD(atan)
WEFT_SIMD_FROM_XSIMD(sinh)
WEFT_SIMD_FROM_XSIMD(cosh)
WEFT_SIMD_FROM_XSIMD(asinh)
WEFT_SIMD_FROM_XSIMD(acosh)
WEFT_SIMD_FROM_XSIMD(atanh)
WEFT_SIMD_FROM_XSIMD(cbrt)
WEFT_SIMD_FROM_XSIMD(erfc)
WEFT_SIMD_FROM_XSIMD(nearbyint)
#undef WEFT_SIMD_FROM_XSIMD

}  // namespace weft::simd
