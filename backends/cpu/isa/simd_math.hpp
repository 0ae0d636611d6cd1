#pragma once

// Functions of mathematics on Vec, good to a few units in the last place; NaN gives NaN. exp and its kin, tanh, erf and
// erfc are our own, because xsimd's flush results below 2^-126, overflow early, are slow, or convert NaN to an integer.

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

namespace detail {

// erf and erfc of doubles: the four ranges of fdlibm's s_erf.c (Sun Microsystems, 1993).

/// (erf(x) - x) / x for |x| < 0.84375, from x^2.
template <class V> WEFT_SIMD_INLINE V erf_near_0(V s) {
  V p = polynomial(s, {1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02,
                       -5.77027029648944159157e-03, -2.37630166566501626084e-05});
  V q = polynomial(s, {1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
                       1.32494738004321644526e-04, -3.96022827877536812320e-06});
  return p / q;
}

/// erf(x) less the constant below, for 0.84375 <= x < 1.25, from x - 1.
constexpr double erf_at_1 = 8.45062911510467529297e-01;
template <class V> WEFT_SIMD_INLINE V erf_near_1(V t) {
  V p = polynomial(t, {-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01,
                       3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02,
                       -2.16637559486879084300e-03});
  V q = polynomial(t, {1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
                       1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02});
  return p / q;
}

/// erfc(x) for x >= 1.25. x^2 is taken in two parts, since its rounding would grow in the exponent.
template <class V> WEFT_SIMD_INLINE V erfc_far(V x) {
  V t = V(1.0) / (x * x);
  V p = polynomial(t, {-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e+01,
                       -6.23753324503260060396e+01, -1.62396669462573470355e+02, -1.84605092906711035994e+02,
                       -8.12874355063065934246e+01, -9.81432934416914548592e+00});
  V q = polynomial(t, {1.0, 1.96512716674392571292e+01, 1.37657754143519042600e+02, 4.34565877475229228821e+02,
                       6.45387271733267880336e+02, 4.29008140027567833386e+02, 1.08635005541779435134e+02,
                       6.57024977031928170135e+00, -6.04244152148580987438e-02});
  V near = p / q;
  p = polynomial(t, {-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e+01,
                     -1.60636384855821916062e+02, -6.37566443368389627722e+02, -1.02509513161107724954e+03,
                     -4.83519191608651397019e+02});
  q = polynomial(t, {1.0, 3.03380607434824582924e+01, 3.25792512996573918826e+02, 1.53672958608443695994e+03,
                     3.19985821950859553908e+03, 2.55305040643316442583e+03, 4.74528541206955367215e+02,
                     -2.24409524465858183362e+01});
  V rest = select(x < V(1.0 / 0.35), near, p / q);
  V spread = x * V(134217729.0), high = spread - (spread - x);  // the upper half of x's digits
  return exp(V(-0.5625) - high * high) * exp((high - x) * (high + x) + rest) / x;
}

template <class V> WEFT_SIMD_INLINE V erf_double(V x) {
  V a = min(V(6.0), abs(x));
  V beyond = select(a < V(1.25), V(erf_at_1) + erf_near_1(a - V(1.0)), V(1.0) - erfc_far(a));
  return select(a < V(0.84375), x + x * erf_near_0(x * x), copysign(beyond, x));
}

template <class V> WEFT_SIMD_INLINE V erfc_double(V x) {
  V a = min(V(28.0), abs(x));
  V positive = select(a < V(1.25), V(1.0 - erf_at_1) - erf_near_1(a - V(1.0)), erfc_far(a));
  return select(a < V(0.84375), V(1.0) - (x + x * erf_near_0(x * x)), select(x < V(0.0), V(2.0) - positive, positive));
}

}  // namespace detail

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
    // Beyond 20 the result is 1.
    V t = expm1(min(V(40.0), abs(x) * V(2.0)));
    return copysign(t / (t + V(2.0)), x);
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
    return detail::erf_double(x);
  }
}

/// 1 - erf(x), exact for large x.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> erfc(Vec<T, Arch> x) {
  if constexpr (sizeof(T) == 4) return xsimd::erfc(x.b);
  else return detail::erfc_double(x);
}

#define WEFT_SIMD_FROM_XSIMD(name) \
  template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> name(Vec<T, Arch> x) { return xsimd::name(x.b); }
WEFT_SIMD_FROM_XSIMD(log)
WEFT_SIMD_FROM_XSIMD(log2)
WEFT_SIMD_FROM_XSIMD(log10)
WEFT_SIMD_FROM_XSIMD(log1p)
WEFT_SIMD_FROM_XSIMD(asin)
WEFT_SIMD_FROM_XSIMD(acos)
WEFT_SIMD_FROM_XSIMD(atan)
WEFT_SIMD_FROM_XSIMD(asinh)
WEFT_SIMD_FROM_XSIMD(acosh)
WEFT_SIMD_FROM_XSIMD(atanh)
WEFT_SIMD_FROM_XSIMD(cbrt)
#undef WEFT_SIMD_FROM_XSIMD

}  // namespace weft::simd
