#pragma once

#include <weft/backends/cpu/isa/norm.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// Calls f(offset, lanes) for each vector of a row of n; `lanes` is less than a whole vector for the last one at most.
template <int size, class F> WEFT_SIMD_INLINE void for_each_vector(int64_t n, F&& f) {
  for (int64_t i = 0; i < n; i += size) f(i, static_cast<int>(n - i < size ? n - i : size));
}

/// A row's mean (in two parts, the second a correction) and 1 / sqrt(variance + epsilon).
template <class T> struct NormStatistics { T mean, correction, factor; };

/// Two passes: the second takes the first one's mean away, and sums what rounding left in it.
template <class T, class Arch> WEFT_SIMD_INLINE NormStatistics<T> norm_statistics(const NormRows<T>& r, const T* x) {
  using V = simd::Vec<T, Arch>;
  const T n = static_cast<T>(r.n);
  NormStatistics<T> s{T(0), T(0), T(0)};
  if (r.centered) {
    V sum(T(0));
    for_each_vector<V::size>(
        r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) { sum += V::load(x + i, lanes); });
    s.mean = simd::reduce_add(sum) / n;
  }
  V rest(T(0)), squares(T(0));
  for_each_vector<V::size>(
      r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
        const V d = V::load(x + i, lanes, V(s.mean)) - V(s.mean);
        rest += d;
        squares = fma(d, d, squares);
      });
  T variance = simd::reduce_add(squares) / n;
  if (r.centered) {
    s.correction = simd::reduce_add(rest) / n;
    variance -= s.correction * s.correction;
    if (variance < T(0)) variance = T(0);
  }
  s.factor = T(1) / __builtin_sqrt(variance + r.epsilon);
  return s;
}

/// (x - mean) * factor for one vector.
template <class V, class T> WEFT_SIMD_INLINE V normal_of(const T* x, int lanes, const NormStatistics<T>& s) {
  return (V::load(x, lanes) - V(s.mean) - V(s.correction)) * V(s.factor);
}

template <class T, class Arch> void norm_forward(const NormRows<T>& r, const T* bias, T* y) {
  using V = simd::Vec<T, Arch>;
  for (int64_t row = 0; row < r.rows; ++row) {
    const T* x = r.x + row * r.n;
    const NormStatistics<T> s = norm_statistics<T, Arch>(r, x);
    for_each_vector<V::size>(
        r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
          V v = normal_of<V>(x + i, lanes, s);
          if (r.scale) v = v * V::load(r.scale + i, lanes);
          if (bias) v = v + V::load(bias + i, lanes);
          v.store(y + row * r.n + i, lanes);
        });
  }
}

template <class T, class Arch> void norm_backward(const NormRows<T>& r, const T* d_y, T* d_x, T* d_scale, T* d_bias) {
  using V = simd::Vec<T, Arch>;
  for (int64_t row = 0; row < r.rows; ++row) {
    const T *x = r.x + row * r.n, *g = d_y + row * r.n;
    const NormStatistics<T> s = norm_statistics<T, Arch>(r, x);
    V sum(T(0)), products(T(0));
    for_each_vector<V::size>(
        r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
          const V given = V::load(g + i, lanes), normal = normal_of<V>(x + i, lanes, s);
          const V scaled = r.scale ? given * V::load(r.scale + i, lanes) : given;
          sum += scaled;
          products = fma(scaled, normal, products);
          if (d_scale) fma(given, normal, V::load(d_scale + i, lanes)).store(d_scale + i, lanes);
          if (d_bias) (V::load(d_bias + i, lanes) + given).store(d_bias + i, lanes);
        });
    const T n = static_cast<T>(r.n);
    const V mean(r.centered ? simd::reduce_add(sum) / n : T(0)), slope(simd::reduce_add(products) / n);
    for_each_vector<V::size>(
        r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
          const V given = V::load(g + i, lanes), normal = normal_of<V>(x + i, lanes, s);
          const V scaled = r.scale ? given * V::load(r.scale + i, lanes) : given;
          (fnma(normal, slope, scaled - mean) * V(s.factor)).store(d_x + row * r.n + i, lanes);
        });
  }
}

template <class Arch> constexpr NormKernels make_norm_kernels() {
  return {{norm_forward<float, Arch>, norm_backward<float, Arch>},
          {norm_forward<double, Arch>, norm_backward<double, Arch>}};
}

}  // namespace weft::cpu
