#pragma once

#include <weft/backends/cpu/isa/batch_norm.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// Calls f(first feature, features, load) for every vector of features; `load(p)` reads that many.
template <class V, class F> WEFT_SIMD_INLINE void for_feature_vectors(int64_t features, F&& f) {
  using T = typename V::value_type;
  int64_t j = 0;
  for (; j + V::size <= features; j += V::size)
    f(
        j, V::size, [](const T* p) __attribute__((always_inline)) { return V::load(p); });
  if (j < features) {
    const int lanes = static_cast<int>(features - j);
    f(
        j, lanes, [lanes](const T* p) __attribute__((always_inline)) { return V::load(p, lanes); });
  }
}

/// The sum of term(row) over the rows: four chains, added at the end.
template <class V, class F> WEFT_SIMD_INLINE V sum_of_rows(int64_t rows, F&& term) {
  using T = typename V::value_type;
  V a(T(0)), b(T(0)), c(T(0)), d(T(0));
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    a += term(r);
    b += term(r + 1);
    c += term(r + 2);
    d += term(r + 3);
  }
  for (; r < rows; ++r) a += term(r);
  return (a + b) + (c + d);
}

template <class T, class Arch> void batch_norm_moments(const FeatureRows<T>& r, T* mean, T* squares) {
  using V = simd::Vec<T, Arch>;
  const V n(static_cast<T>(r.rows));
  for_feature_vectors<V>(
      r.features, [&](int64_t j, int lanes, auto load) __attribute__((always_inline)) {
        const T* x = r.x + j;
        const V middle =
            sum_of_rows<V>(
                r.rows, [&](int64_t i) __attribute__((always_inline)) { return load(x + i * r.features); }) /
            n;
        const V sum = sum_of_rows<V>(
            r.rows, [&](int64_t i) __attribute__((always_inline)) {
              const V difference = load(x + i * r.features) - middle;
              return difference * difference;
            });
        middle.store(mean + j, lanes);
        sum.store(squares + j, lanes);
      });
}

template <class T, class Arch>
void batch_norm_normalize(const FeatureRows<T>& r, const T* mean, const T* factor, const T* bias, T* y) {
  using V = simd::Vec<T, Arch>;
  for (int64_t i = 0; i < r.rows; ++i) {
    const T* x = r.x + i * r.features;
    T* to = y + i * r.features;
    for_feature_vectors<V>(
        r.features, [&](int64_t j, int lanes, auto load) __attribute__((always_inline)) {
          V value = (load(x + j) - load(mean + j)) * load(factor + j);
          if (bias) value = value + load(bias + j);
          value.store(to + j, lanes);
        });
  }
}

template <class T, class Arch>
void batch_norm_gradient_sums(const FeatureRows<T>& r, const T* mean, const T* d_y, T* sums, T* products) {
  using V = simd::Vec<T, Arch>;
  for_feature_vectors<V>(
      r.features, [&](int64_t j, int lanes, auto load) __attribute__((always_inline)) {
        const T *x = r.x + j, *g = d_y + j;
        const V middle = load(mean + j);
        V product[2] = {V(T(0)), V(T(0))}, sum[2] = {V(T(0)), V(T(0))};
        auto add = [&](int64_t i, int chain) __attribute__((always_inline)) {
          const V given = load(g + i * r.features);
          sum[chain] += given;
          product[chain] = fma(given, load(x + i * r.features) - middle, product[chain]);
        };
        int64_t i = 0;
        for (; i + 2 <= r.rows; i += 2) {
          add(i, 0);
          add(i + 1, 1);
        }
        if (i < r.rows) add(i, 0);
        (load(sums + j) + (sum[0] + sum[1])).store(sums + j, lanes);
        (load(products + j) + (product[0] + product[1])).store(products + j, lanes);
      });
}

template <class T, class Arch>
void batch_norm_gradient(const FeatureRows<T>& r, const T* mean, const T* d_y, const T* factor, const T* slope,
                         const T* offset, T* d_x) {
  using V = simd::Vec<T, Arch>;
  for (int64_t i = 0; i < r.rows; ++i) {
    const T *x = r.x + i * r.features, *g = d_y + i * r.features;
    T* to = d_x + i * r.features;
    for_feature_vectors<V>(
        r.features, [&](int64_t j, int lanes, auto load) __attribute__((always_inline)) {
          const V value = fma(load(x + j) - load(mean + j), load(slope + j), load(offset + j));
          fma(load(g + j), load(factor + j), value).store(to + j, lanes);
        });
  }
}

template <class T, class Arch> constexpr BatchNormTypeKernels<T> make_batch_norm_type_kernels() {
  return {&batch_norm_moments<T, Arch>, &batch_norm_normalize<T, Arch>, &batch_norm_gradient_sums<T, Arch>,
          &batch_norm_gradient<T, Arch>};
}

template <class Arch> constexpr BatchNormKernels make_batch_norm_kernels() {
  return {make_batch_norm_type_kernels<float, Arch>(), make_batch_norm_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
