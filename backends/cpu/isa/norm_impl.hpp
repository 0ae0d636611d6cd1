#pragma once

#include <type_traits>

#include <weft/backends/cpu/isa/norm.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// Calls f(offset, lanes) for each vector of a row of n; `lanes` is less than a whole vector for the last one at most.
template <int size, class F> WEFT_SIMD_INLINE void for_each_vector(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + size <= n; i += size) f(i, size);
  if (i < n) f(i, static_cast<int>(n - i));
}

template <class V> WEFT_SIMD_INLINE V load_lanes(const typename V::value_type* p, int lanes, V fill = V(0)) {
  return lanes == V::size ? V::load(p) : V::load(p, lanes, fill);
}
template <class V> WEFT_SIMD_INLINE void store_lanes(V x, typename V::value_type* p, int lanes) {
  if (lanes == V::size) x.store(p);
  else x.store(p, lanes);
}

/// A row's mean, 1 / sqrt(variance + epsilon), and -factor times what the mean lost in rounding.
template <class T> struct NormStatistics { T mean, factor, offset; };

/// Of `count` neighbouring rows, each in one chain of additions, so that a row's result does not depend on its company.
/// Two passes: the second takes the first one's mean away, and sums what rounding left in it.
template <int count, class T, class Arch>
WEFT_SIMD_INLINE void norm_statistics(const NormRows<T>& r, const T* x, NormStatistics<T> (&s)[count]) {
  using V = simd::Vec<T, Arch>;
  const T share = T(1) / static_cast<T>(r.n);
  V mean[count], rest[count], squares[count];
#pragma GCC unroll 4
  for (int k = 0; k < count; ++k) mean[k] = rest[k] = squares[k] = V(T(0));
  if (r.centered) {
    for_each_vector<V::size>(
        r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
#pragma GCC unroll 4
          for (int k = 0; k < count; ++k) mean[k] += load_lanes<V>(x + k * r.n + i, lanes);
        });
#pragma GCC unroll 4
    for (int k = 0; k < count; ++k) {
      s[k].mean = simd::reduce_add(mean[k]) * share;
      mean[k] = V(s[k].mean);
    }
  }
  for_each_vector<V::size>(
      r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int k = 0; k < count; ++k) {
          const V d = load_lanes<V>(x + k * r.n + i, lanes, mean[k]) - mean[k];
          rest[k] += d;
          squares[k] = fma(d, d, squares[k]);
        }
      });
#pragma GCC unroll 4
  for (int k = 0; k < count; ++k) {
    T variance = simd::reduce_add(squares[k]) * share, correction = T(0);
    if (r.centered) {
      correction = simd::reduce_add(rest[k]) * share;
      variance -= correction * correction;
      if (variance < T(0)) variance = T(0);
    } else {
      s[k].mean = T(0);
    }
    s[k].factor = T(1) / __builtin_sqrt(variance + r.epsilon);
    s[k].offset = -s[k].factor * correction;
  }
}

/// (x - mean) * factor for one vector.
template <class V, class T> WEFT_SIMD_INLINE V normal_of(const T* x, int lanes, const NormStatistics<T>& s) {
  return fma(load_lanes<V>(x, lanes) - V(s.mean), V(s.factor), V(s.offset));
}

/// Rows that are worked on together, which hides the latency of their sums: as many as stay in the nearest cache.
template <class T, class F> WEFT_SIMD_INLINE void for_each_group(const NormRows<T>& r, F&& f) {
  int64_t row = 0;
  if (r.n * static_cast<int64_t>(sizeof(T)) <= 8192)
    for (; row + 4 <= r.rows; row += 4) f(row, std::integral_constant<int, 4>());
  for (; row + 2 <= r.rows; row += 2) f(row, std::integral_constant<int, 2>());
  for (; row < r.rows; ++row) f(row, std::integral_constant<int, 1>());
}

template <class T, class Arch> void norm_forward(const NormRows<T>& r, const T* bias, T* y) {
  using V = simd::Vec<T, Arch>;
  for_each_group(
      r, [&]<int count>(int64_t row, std::integral_constant<int, count>) __attribute__((always_inline)) {
        const T* x = r.x + row * r.n;
        if (r.residual) {
          const T* residual = r.residual + row * r.n;
          T* sum = r.sum + row * r.n;
          for_each_vector<V::size>(
              count * r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
                store_lanes(load_lanes<V>(x + i, lanes) + load_lanes<V>(residual + i, lanes), sum + i, lanes);
              });
          x = sum;
        }
        NormStatistics<T> s[count];
        norm_statistics<count, T, Arch>(r, x, s);
#pragma GCC unroll 4
        for (int k = 0; k < count; ++k)
          for_each_vector<V::size>(
              r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
                V v = normal_of<V>(x + k * r.n + i, lanes, s[k]);
                if (r.scale) v = v * load_lanes<V>(r.scale + i, lanes);
                if (bias) v = v + load_lanes<V>(bias + i, lanes);
                store_lanes(v, y + (row + k) * r.n + i, lanes);
              });
      });
}

/// `count` rows' shares enter d_scale and d_bias together.
template <class T, class Arch>
void norm_backward(const NormRows<T>& r, const T* d_y, const T* passed, T* d_x, T* d_scale, T* d_bias) {
  using V = simd::Vec<T, Arch>;
  for (T* shares : {d_scale, d_bias})
    for (int64_t i = 0; shares && i < r.n; ++i) shares[i] = T(0);
  for_each_group(
      r, [&]<int count>(int64_t row, std::integral_constant<int, count>) __attribute__((always_inline)) {
        const T *x = r.x + row * r.n, *g = d_y + row * r.n;
        NormStatistics<T> s[count];
        norm_statistics<count, T, Arch>(r, x, s);
        V sum[count], products[count];
#pragma GCC unroll 4
        for (int k = 0; k < count; ++k) sum[k] = products[k] = V(T(0));
        for_each_vector<V::size>(
            r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
              const V scale = r.scale ? load_lanes<V>(r.scale + i, lanes) : V(T(1));
              V to_scale = d_scale ? load_lanes<V>(d_scale + i, lanes) : V(T(0));
              V to_bias = d_bias ? load_lanes<V>(d_bias + i, lanes) : V(T(0));
#pragma GCC unroll 4
              for (int k = 0; k < count; ++k) {
                const V given = load_lanes<V>(g + k * r.n + i, lanes);
                const V normal = normal_of<V>(x + k * r.n + i, lanes, s[k]), scaled = given * scale;
                sum[k] += scaled;
                products[k] = fma(scaled, normal, products[k]);
                to_scale = fma(given, normal, to_scale);
                to_bias += given;
              }
              if (d_scale) store_lanes(to_scale, d_scale + i, lanes);
              if (d_bias) store_lanes(to_bias, d_bias + i, lanes);
            });
        const T share = T(1) / static_cast<T>(r.n);
#pragma GCC unroll 4
        for (int k = 0; k < count; ++k) {
          const V mean(r.centered ? simd::reduce_add(sum[k]) * share : T(0)),
              slope(simd::reduce_add(products[k]) * share);
          for_each_vector<V::size>(
              r.n, [&](int64_t i, int lanes) __attribute__((always_inline)) {
                const int64_t at = k * r.n + i;
                const V given = load_lanes<V>(g + at, lanes), normal = normal_of<V>(x + at, lanes, s[k]);
                const V scaled = r.scale ? given * load_lanes<V>(r.scale + i, lanes) : given;
                V result = fnma(normal, slope, scaled - mean) * V(s[k].factor);
                if (passed) result = result + load_lanes<V>(passed + row * r.n + at, lanes);
                store_lanes(result, d_x + row * r.n + at, lanes);
              });
        }
      });
}

template <class Arch> constexpr NormKernels make_norm_kernels() {
  return {{norm_forward<float, Arch>, norm_backward<float, Arch>},
          {norm_forward<double, Arch>, norm_backward<double, Arch>}};
}

}  // namespace weft::cpu
