#pragma once

// Functions of mathematics on Vec, good to a few units in the last place; NaN gives NaN. Most are our own, because
// xsimd's are slow, convert NaN to an integer, or reduce large angles by functions that belong to no instruction set.

#include <weft/backends/cpu/isa/simd_exp.hpp>
#include <weft/backends/cpu/isa/simd_log.hpp>
#include <weft/backends/cpu/isa/simd_trig.hpp>

namespace weft::simd {
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

namespace detail {

/// exp(-x^2), with what the square loses in rounding given back.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> exp_of_square(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  const V square = x * x, lost = -fnma(x, x, square), y = exp(-square);
  return fnma(y, lost, y);
}

/// 1 / x for ordinary numbers, off by less than 2^-22; an estimate where dividing is slow.
template <class Arch> WEFT_SIMD_INLINE Vec<float, Arch> reciprocal(Vec<float, Arch> x) {
  using V = Vec<float, Arch>;
  if constexpr (sizeof(V) == 64) {
    V y = raw::estimate_reciprocal(typename V::Register(x));
    return fma(y, fnma(x, y, V(1.0f)), y);
  } else {
    return V(1.0f) / x;
  }
}

/// P(standard normal > a) / exp(-a^2 / 2) for 0 <= a <= 14.5, in t = 1 / (1 + 0.35 a); 3.2e-8 relative.
template <class Arch> WEFT_SIMD_INLINE Vec<float, Arch> mills_ratio(Vec<float, Arch> t) {
  return t * polynomial(t, {0.139621306903f, 0.139863514011f, 0.119821301207f, 0.105552434163f, -0.0232121526541f,
                            0.159319338275f, -0.255838628471f, 0.144030705365f, -0.0291578347826f});
}

}  // namespace detail

/// 1 - erf(x), exact for large x.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> erfc(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 4) {
    V a = min(V(11.0f), abs(x)), t = V(1.0f) / fma(a, V(0.494974746831f), V(1.0f));
    V tail = V(2.0f) * detail::exp_of_square(a) * detail::mills_ratio(t);
    return select(x < V(0.0f), V(2.0f) - tail, select(isnan(x), x, tail));
  } else {
    return detail::erfc_double(x);
  }
}

/// P(standard normal < x) = erfc(-x / sqrt(2)) / 2, to a few units in the last place also where it is small.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> normal_cdf(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 4) {
    V a = min(V(14.5f), abs(x)), t = detail::reciprocal(fma(a, V(0.35f), V(1.0f)));
    V tail = exp_nonpositive(V(-0.5f) * (a * a)) * detail::mills_ratio(t);
    return select(x > V(0.0f), V(1.0f) - tail, tail);
  } else {
    return V(0.5) * detail::erfc_double(x * V(-0.70710678118654752440));
  }
}

/// exp(-x^2 / 2) / sqrt(2 pi). Beside normal_cdf(x) it costs one product.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> normal_density(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  V a = min(V(sizeof(T) == 4 ? T(14.5) : T(40)), abs(x));
  V e;
  if constexpr (sizeof(T) == 4) e = exp_nonpositive(V(-0.5f) * (a * a));  // the same as in normal_cdf()
  else e = exp(V(-0.5) * (a * a));
  return e * V(T(0.39894228040143267794));
}

#define WEFT_SIMD_FROM_XSIMD(name) \
  template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> name(Vec<T, Arch> x) { return xsimd::name(x.b); }
WEFT_SIMD_FROM_XSIMD(log2)
WEFT_SIMD_FROM_XSIMD(log10)
WEFT_SIMD_FROM_XSIMD(asin)
WEFT_SIMD_FROM_XSIMD(acos)
WEFT_SIMD_FROM_XSIMD(atan)
WEFT_SIMD_FROM_XSIMD(asinh)
WEFT_SIMD_FROM_XSIMD(acosh)
WEFT_SIMD_FROM_XSIMD(atanh)
WEFT_SIMD_FROM_XSIMD(cbrt)
#undef WEFT_SIMD_FROM_XSIMD

}  // namespace weft::simd
