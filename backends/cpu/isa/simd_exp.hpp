#pragma once

// exp and its kin on Vec. Our own, because xsimd's flush results below 2^-126 and overflow early.

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
  if constexpr (sizeof(V) == 64) {
    return raw::scale(typename V::Register(V(T(1))), typename V::Register(n));
  } else {
    constexpr T magic = sizeof(T) == 4 ? T(12582912.0 + 127) : T(6755399441055744.0 + 1023);
    return raw::to_exponent(typename V::Register(n + V(magic)));
  }
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

/// e^r - 1 for |r| <= ln(2)/2.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> expm1_reduced(Vec<T, Arch> r) {
  using V = Vec<T, Arch>;
  V p;
  if constexpr (sizeof(T) == 4) {
    // Cephes expf: r + r^2 P(r).
    p = polynomial(r, {5.0000001201e-1f, 1.6666665459e-1f, 4.1665795894e-2f, 8.3334519073e-3f, 1.3981999507e-3f,
                       1.9875691500e-4f});
  } else {
    // Taylor: the first term left out is below 4e-18.
    p = polynomial(r, {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
                       1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0});
  }
  return fma(p, r * r, r);
}

/// e^r for |r| <= ln(2)/2.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp_reduced(Vec<T, Arch> r) {
  return expm1_reduced(r) + Vec<T, Arch>(T(1));
}

/// x - n ln(2), with ln(2) in two parts.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> minus_logs_of_two(Vec<T, Arch> x, Vec<T, Arch> n) {
  using V = Vec<T, Arch>;
  constexpr bool is_float = sizeof(T) == 4;
  V r = fnma(n, V(is_float ? T(0.693359375) : T(6.93145751953125e-1)), x);
  return fnma(n, V(is_float ? T(-2.12194440e-4) : T(1.42860682030941723212e-6)), r);
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
  return detail::scale(detail::exp_reduced(detail::minus_logs_of_two(x, n)), n);
}

/// e^x for softmax: x <= 0 (at most 80), -inf and NaN allowed; 0 below the range of numbers, with float and registers
/// without AVX-512 below that of normal ones.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp_nonpositive(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 8) {
    return exp(x);
  } else {
    constexpr bool wide = sizeof(V) == 64;
    V clamped = max(V(wide ? -150.0f : -87.0f), x);
    V n = detail::round_small(clamped * V(1.44269504088896340736f));
    V r;
    // With a true fma, ln(2) in one part is off by 2e-9 n alone.
    if constexpr (sizeof(V) > 16) r = fnma(n, V(0.693147180559945309f), clamped);
    else r = detail::minus_logs_of_two(clamped, n);
    // e^r = 1 + r P(r), P minimax of degree 5.
    V y = fma(detail::polynomial(r, {1.0000000106914f, 0.49999998113895f, 0.16666505576326f, 0.041667138019885f,
                                     0.0083691402165342f, 0.0013888876100193f}),
              r, V(1.0f));
    if constexpr (wide) return detail::scale(y, n);
    else return select(x < V(-87.0f), V(0.0f), y * detail::power_of_two(n));
  }
}

/// e^x - 1, exact near 0.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> expm1(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  constexpr bool is_float = sizeof(T) == 4;
  V clamped = max(V(is_float ? T(-25) : T(-50)), min(V(is_float ? T(89) : T(710)), x));
  V n = detail::round_small(clamped * V(T(1.44269504088896340736)));
  V y = detail::expm1_reduced(detail::minus_logs_of_two(clamped, n));
  // 2^n alone overflows before e^x does, and 1 no longer counts there.
  V large = detail::scale(y + V(T(1)), n);
  V small = detail::scale(y, n) + (detail::power_of_two(min(V(T(64)), n)) - V(T(1)));
  V result = select(n > V(T(60)), large, small);
  return select(abs(x) < V(is_float ? T(1e-8) : T(1e-17)), x, result);
}

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> sinh(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  V size = abs(x), half = V(T(0.5)), one = V(T(1));
  V u = expm1(min(V(T(40)), size)), root = exp(size * half);
  V y = select(size < V(T(40)), half * (u + u / (u + one)), half * root * root);
  return copysign(y, x);
}

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> cosh(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  V half = V(T(0.5)), root = exp(abs(x) * half), e = root * root;
  return select(e < V(T(1e30)), half * exp(abs(x)) + half / exp(abs(x)), half * root * root);
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

}  // namespace weft::simd
