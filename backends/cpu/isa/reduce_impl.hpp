#pragma once

#include <weft/backends/cpu/isa/reduce.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// What a Reduction does with Vecs: `add` takes in an element, `join` two partial results.
template <Reduction kind> struct Reducer {
  template <class V> static WEFT_SIMD_INLINE V identity() {
    using T = typename V::value_type;
    constexpr T infinity = static_cast<T>(__builtin_huge_val());
    if constexpr (kind == Reduction::product) return V(T(1));
    else if constexpr (kind == Reduction::max) return V(-infinity);
    else if constexpr (kind == Reduction::min) return V(infinity);
    else return V(T(0));
  }
  template <class V> static WEFT_SIMD_INLINE V add(V result, V x) {
    if constexpr (kind == Reduction::sum_squares) return fma(x, x, result);
    else return join(x, result);
  }
  template <class V> static WEFT_SIMD_INLINE V join(V a, V b) {
    if constexpr (kind == Reduction::product) return a * b;
    else if constexpr (kind == Reduction::max) return maximum(a, b);
    else if constexpr (kind == Reduction::min) return minimum(a, b);
    else return a + b;
  }
};

/// Elements (or rows) in one chain of additions; longer stretches are halved and joined, so that errors stay small.
constexpr int64_t reduce_chunk = 2048, reduce_chunk_rows = 128;

/// The largest power of two times `chunk` below n.
inline __attribute__((always_inline)) int64_t reduce_split(int64_t n, int64_t chunk) {
  while (2 * chunk < n) chunk *= 2;
  return chunk;
}

template <Reduction kind, class T, class Arch> simd::Vec<T, Arch> reduce_stretch(const T* x, int64_t n) {
  using V = simd::Vec<T, Arch>;
  using R = Reducer<kind>;
  if (n > reduce_chunk) {
    const int64_t half = reduce_split(n, reduce_chunk);
    V left = reduce_stretch<kind, T, Arch>(x, half);
    return R::join(left, reduce_stretch<kind, T, Arch>(x + half, n - half));
  }
  V parts[4];
  for (V& part : parts) part = R::template identity<V>();
  int64_t i = 0;
  for (; i + 4 * V::size <= n; i += 4 * V::size)
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) parts[p] = R::add(parts[p], V::load(x + i + p * V::size));
  for (; i < n; i += V::size) {
    // The filler must not change the result: for squares it is 0, as for sums.
    const int count = static_cast<int>(n - i < V::size ? n - i : V::size);
    parts[0] = R::add(parts[0], V::load(x + i, count, R::template identity<V>()));
  }
  return R::join(R::join(parts[0], parts[1]), R::join(parts[2], parts[3]));
}

template <Reduction kind, class T, class Arch>
void reduce_rows_of(const T* x, int64_t rows, int64_t n, int64_t row_stride, T* y) {
  using V = simd::Vec<T, Arch>;
  for (int64_t r = 0; r < rows; ++r, x += row_stride) {
    V result = reduce_stretch<kind, T, Arch>(x, n);
    y[r] = first(simd::fold_lanes(
        result, [](V a, V b) __attribute__((always_inline)) { return Reducer<kind>::join(a, b); }));
  }
}

/// N vectors side by side, `last` lanes of the last one.
template <Reduction kind, class T, class Arch, int N>
void reduce_columns_strip(const T* x, int64_t rows, int64_t row_stride, T* y, int last) {
  using V = simd::Vec<T, Arch>;
  using R = Reducer<kind>;
  V totals[N];
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v) totals[v] = R::template identity<V>();
  auto load = [&](const T* from, int v) __attribute__((always_inline)) {
    return v + 1 < N || last == V::size ? V::load(from + v * V::size) : V::load(from + v * V::size, last);
  };
  for (int64_t from = 0; from < rows; from += reduce_chunk_rows) {
    const int64_t to = from + reduce_chunk_rows < rows ? from + reduce_chunk_rows : rows;
    V parts[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) parts[v] = R::template identity<V>();
    for (int64_t r = from; r < to; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) parts[v] = R::add(parts[v], load(x + r * row_stride, v));
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) totals[v] = R::join(totals[v], parts[v]);
  }
#pragma GCC unroll 4
  for (int v = 0; v + 1 < N; ++v) totals[v].store(y + v * V::size);
  totals[N - 1].store(y + (N - 1) * V::size, last);
}

template <Reduction kind, class T, class Arch>
void reduce_columns_of(const T* x, int64_t rows, int64_t n, int64_t row_stride, T* y) {
  using V = simd::Vec<T, Arch>;
  int64_t j = 0;
  for (; j + 4 * V::size <= n; j += 4 * V::size)
    reduce_columns_strip<kind, T, Arch, 4>(x + j, rows, row_stride, y + j, V::size);
  for (; j < n; j += V::size)
    reduce_columns_strip<kind, T, Arch, 1>(x + j, rows, row_stride, y + j,
                                           static_cast<int>(n - j < V::size ? n - j : V::size));
}

template <class T, class Arch> simd::Vec<T, Arch> dot_stretch(const T* x, const T* y, int64_t n) {
  using V = simd::Vec<T, Arch>;
  if (n > reduce_chunk) {
    const int64_t half = reduce_split(n, reduce_chunk);
    V left = dot_stretch<T, Arch>(x, y, half);
    return left + dot_stretch<T, Arch>(x + half, y + half, n - half);
  }
  V parts[4];
  for (V& part : parts) part = V(T(0));
  int64_t i = 0;
  for (; i + 4 * V::size <= n; i += 4 * V::size)
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) parts[p] = fma(V::load(x + i + p * V::size), V::load(y + i + p * V::size), parts[p]);
  for (; i < n; i += V::size) {
    const int count = static_cast<int>(n - i < V::size ? n - i : V::size);
    parts[0] = fma(V::load(x + i, count), V::load(y + i, count), parts[0]);
  }
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

template <class T, class Arch> T reduce_dot(const T* x, const T* y, int64_t n) {
  return simd::reduce_add(dot_stretch<T, Arch>(x, y, n));
}

template <class T, class Arch> constexpr ReduceTypeKernels<T> make_reduce_type_kernels() {
  return {{&reduce_rows_of<Reduction::sum, T, Arch>, &reduce_rows_of<Reduction::sum_squares, T, Arch>,
           &reduce_rows_of<Reduction::product, T, Arch>, &reduce_rows_of<Reduction::max, T, Arch>,
           &reduce_rows_of<Reduction::min, T, Arch>},
          {&reduce_columns_of<Reduction::sum, T, Arch>, &reduce_columns_of<Reduction::sum_squares, T, Arch>,
           &reduce_columns_of<Reduction::product, T, Arch>, &reduce_columns_of<Reduction::max, T, Arch>,
           &reduce_columns_of<Reduction::min, T, Arch>},
          &reduce_dot<T, Arch>};
}

template <class Arch> constexpr ReduceKernels make_reduce_kernels() {
  return {make_reduce_type_kernels<float, Arch>(), make_reduce_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
