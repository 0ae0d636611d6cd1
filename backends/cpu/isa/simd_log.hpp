#pragma once

// Logarithms and powers on Vec.

#include <weft/backends/cpu/isa/bits.hpp>
#include <weft/backends/cpu/isa/simd_exp.hpp>

namespace weft::simd {
namespace detail {

/// log(1 + f) + e ln(2) for f in [-0.25, 0.5).
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> log_reduced(Vec<T, Arch> f, Vec<T, Arch> e) {
  using V = Vec<T, Arch>;
  const V square = f * f, half = V(T(0.5)) * square;
  if constexpr (sizeof(T) == 4) {
    // log(1 + f) = f - f^2 / 2 + f^3 P(f), P minimax of degree 8.
    V p = polynomial(f, {0.33333333018f, -0.25000056216f, 0.20000173068f, -0.16660904173f, 0.14267155795f,
                         -0.12635559978f, 0.11689139314f, -0.096036414646f, 0.043270635977f});
    V low = fma(p, square * f, e * V(-2.12194440e-4f)) - half;
    return fma(e, V(0.693359375f), f + low);
  } else {
    // With s = f / (2 + f) it is f - (f^2 / 2 - s (f^2 / 2 + R)), R = 2/3 s^2 + 2/5 s^4 + ...; as in fdlibm's e_log.c
    // (Sun Microsystems, 1993), with a polynomial for this range.
    V s = f / (f + V(2.0)), z = s * s;
    V r = z * polynomial(z, {0.6666666666666694029, 0.3999999999933257439, 0.285714288369174142, 0.2222218268362155031,
                             0.1818461473049847492, 0.1528360421172275578, 0.1511931543322117678});
    V low = half - fma(s, half + r, e * V(1.90821492927058770002e-10));
    return fma(e, V(6.93147180369123816490e-01), f - low);
  }
}

/// log of any number, with f and e from its mantissa and exponent, where it is neither 0, infinite nor negative.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> log_edges(Vec<T, Arch> x, Vec<T, Arch> result) {
  using V = Vec<T, Arch>;
  const V infinity(static_cast<T>(__builtin_huge_val()));
  V outside = select(x == V(T(0)), -infinity, select(x > V(T(0)), x, V(static_cast<T>(__builtin_nan("")))));
  return select((x > V(T(0))) & (x < infinity), result, outside);
}

/// Subnormal numbers made normal, and what that adds to the exponent.
template <class T, class Arch> WEFT_SIMD_INLINE Split<Vec<T, Arch>> split_positive(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(V) == 64) {
    return split_normal(x);
  } else {
    constexpr bool is_float = sizeof(T) == 4;
    auto small = x < V(is_float ? T(0x1p-126) : T(0x1p-1022));
    Split<V> s = split_normal(select(small, x * V(T(0x1p54)), x));
    return {s.mantissa, s.exponent - select(small, V(T(54)), V(T(0)))};
  }
}

}  // namespace detail

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> log(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  const Split<V> s = detail::split_positive(x);
  return detail::log_edges(x, detail::log_reduced(s.mantissa - V(T(1)), s.exponent));
}

/// log(1 + x), exact near 0: what rounding takes from 1 + x is given back to the mantissa.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> log1p(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  const V one(T(1)), u = x + one;
  const Split<V> s = split_normal(u);
  // From 2^60 on the 1 does not count; below it 2^-e is a normal number.
  V lost = (x - (u - one)) * detail::power_of_two(-max(V(T(-60)), min(s.exponent, V(T(60)))));
  lost = select(u < V(T(0x1p60)), lost, V(T(0)));
  return detail::log_edges(u, detail::log_reduced(s.mantissa - one + lost, s.exponent));
}

namespace detail {

/// log2 of a positive normal number, to about 1e-15.
template <class Arch> WEFT_SIMD_INLINE Vec<double, Arch> log2_of_normal(Vec<double, Arch> x) {
  using V = Vec<double, Arch>;
  const Split<V> parts = split_normal(x);
  V s = (parts.mantissa - V(1.0)) / (parts.mantissa + V(1.0)), z = s * s;
  return fma(s,
             polynomial(z, {2.88539008177793130, 0.961796693915040167, 0.577078020701131044, 0.412197936423413994,
                            0.320644612714695825, 0.260657578956623546, 0.251134515292939515}),
             parts.exponent);
}

template <class Arch> WEFT_SIMD_INLINE Vec<double, Arch> power_of_normal(Vec<double, Arch> x, Vec<double, Arch> y) {
  return exp2(y * log2_of_normal(x));
}

}  // namespace detail

/// x^y: positive finite bases in double precision, all others by the C library, one lane after the other.
template <class Arch> WEFT_SIMD_INLINE Vec<float, Arch> pow(Vec<float, Arch> x, Vec<float, Arch> y) {
  using V = Vec<float, Arch>;
  using W = Vec<double, Arch>;
  typename W::Register x_low, x_high, y_low, y_high;
  raw::widen(typename V::Register(x), x_low, x_high);
  raw::widen(typename V::Register(y), y_low, y_high);
  W low = detail::power_of_normal(W(x_low), W(y_low)), high = detail::power_of_normal(W(x_high), W(y_high));
  V result = raw::narrow(typename W::Register(low), typename W::Register(high));
  const V infinity(__builtin_huge_valf());
  auto usual = (x > V(0.0f)) & (x < infinity) & (abs(y) < infinity);
  if (all(usual)) return result;
  alignas(64) float bases[V::size], powers[V::size], results[V::size], unusual[V::size];
  x.store(bases);
  y.store(powers);
  result.store(results);
  select(usual, V(0.0f), V(1.0f)).store(unusual);
  for (int i = 0; i < V::size; ++i)
    if (unusual[i] != 0.0f) results[i] = __builtin_powf(bases[i], powers[i]);
  return V::load(results);
}

/// One lane after the other: the vector form is not exact enough for double.
template <class Arch> WEFT_SIMD_INLINE Vec<double, Arch> pow(Vec<double, Arch> x, Vec<double, Arch> y) {
  using V = Vec<double, Arch>;
  alignas(64) double bases[V::size], powers[V::size];
  x.store(bases);
  y.store(powers);
  for (int i = 0; i < V::size; ++i) bases[i] = __builtin_pow(bases[i], powers[i]);
  return V::load(bases);
}

}  // namespace weft::simd
