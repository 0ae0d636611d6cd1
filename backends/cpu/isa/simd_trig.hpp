#pragma once

// sin, cos and tan on Vec.

#include <weft/backends/cpu/isa/simd_exp.hpp>

namespace weft::simd {
namespace detail {

/// x = n pi/2 + rest, |rest| <= pi/4, n modulo 4 in [-2, 2].
template <class V> struct Quadrant { V rest, n; };

/// Whether fma() rounds once.
template <class V>
constexpr bool has_fma = sizeof(V) > 16
#if defined(__aarch64__)
                         || true
#endif
    ;

/// Up to this size pi/2 in three parts is enough (Cody and Waite); beyond it lanes go through the C library.
template <class T, class Arch> constexpr double largest_angle = sizeof(T) == 4 && !has_fma<Vec<T, Arch>> ? 8000 : 1e5;

template <class T, class Arch> WEFT_SIMD_INLINE Quadrant<Vec<T, Arch>> quadrant(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  V n = round_small(x * V(T(0.63661977236758134308)));
  V r;
  if constexpr (sizeof(T) == 4 && has_fma<V>) {
    r = fnma(n, V(T(-1.7151245100058819e-15)),
             fnma(n, V(T(-4.37113900018624283e-8)), fnma(n, V(T(1.57079637050628662)), x)));
  } else if constexpr (sizeof(T) == 4) {
    // Few digits in the first parts, so that their products are exact.
    r = fnma(n, V(T(7.549789948768648e-8)), fnma(n, V(T(4.837512969970703125e-4)), fnma(n, V(T(1.5703125)), x)));
  } else if constexpr (has_fma<V>) {
    r = fnma(n, V(T(-1.4973849048591833e-33)),
             fnma(n, V(T(6.1232339957367660e-17)), fnma(n, V(T(1.5707963267948966)), x)));
  } else {
    r = fnma(n, V(T(1.57079632673412561417)), x);
    r = fnma(n, V(T(6.07710050630396597660e-11)), r);
    r = fnma(n, V(T(2.02226624871116645580e-21)), r);
  }
  return {r, n - V(T(4)) * round_small(n * V(T(0.25)))};
}

/// sin(r) and cos(r) for |r| <= pi/4: cephes' polynomials for float, those of fdlibm's k_sin.c and k_cos.c for double.
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> sin_reduced(Vec<T, Arch> r) {
  using V = Vec<T, Arch>;
  V s = r * r, p;
  if constexpr (sizeof(T) == 4) p = polynomial(s, {-1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f});
  else
    p = polynomial(s, {-1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
                       2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10});
  return fma(r * s, p, r);
}
template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> cos_reduced(Vec<T, Arch> r) {
  using V = Vec<T, Arch>;
  V s = r * r, p;
  if constexpr (sizeof(T) == 4)
    p = polynomial(s, {4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f});
  else
    p = polynomial(s, {4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
                       -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11});
  return fma(s * s, p, fnma(V(T(0.5)), s, V(T(1))));
}

/// `result` where |x| is within bounds (or NaN), f of the lane where it is not.
template <class T, class Arch, class F> WEFT_SIMD_INLINE Vec<T, Arch> beyond(Vec<T, Arch> x, Vec<T, Arch> result, F f) {
  using V = Vec<T, Arch>;
  constexpr T limit = static_cast<T>(largest_angle<T, Arch>);
  if (none(abs(x) > V(limit))) return result;
  alignas(64) T angles[V::size], results[V::size];
  x.store(angles);
  result.store(results);
  for (int i = 0; i < V::size; ++i)
    if (angles[i] > limit || angles[i] < -limit) results[i] = static_cast<T>(f(static_cast<double>(angles[i])));
  return V::load(results);
}

}  // namespace detail

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> sin(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  const detail::Quadrant<V> q = detail::quadrant(x);
  V y = select(abs(q.n) == V(T(1)), detail::cos_reduced(q.rest), detail::sin_reduced(q.rest));
  y = select((q.n < V(T(0))) | (q.n == V(T(2))), -y, y);
  // -0 stays what it is.
  return detail::beyond(
      x, select(x == V(T(0)), x, y), [](double angle) __attribute__((always_inline)) { return __builtin_sin(angle); });
}

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> cos(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  const detail::Quadrant<V> q = detail::quadrant(x);
  V y = select(abs(q.n) == V(T(1)), detail::sin_reduced(q.rest), detail::cos_reduced(q.rest));
  y = select((q.n == V(T(1))) | (abs(q.n) == V(T(2))), -y, y);
  return detail::beyond(
      x, y, [](double angle) __attribute__((always_inline)) { return __builtin_cos(angle); });
}

template <class T, class Arch> WEFT_SIMD_INLINE Vec<T, Arch> tan(Vec<T, Arch> x) {
  using V = Vec<T, Arch>;
  const detail::Quadrant<V> q = detail::quadrant(x);
  auto odd = abs(q.n) == V(T(1));
  V s = detail::sin_reduced(q.rest), c = detail::cos_reduced(q.rest);
  V y = select(odd, -c, s) / select(odd, s, c);
  return detail::beyond(
      x, select(x == V(T(0)), x, y), [](double angle) __attribute__((always_inline)) { return __builtin_tan(angle); });
}

}  // namespace weft::simd
