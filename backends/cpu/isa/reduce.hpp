#pragma once

#include <cstdint>

namespace weft::cpu {

/// How elements are combined. NaN goes through all of them.
enum class Reduction { sum, sum_squares, product, max, min };
constexpr int reduction_kinds = 5;

template <class T> struct ReduceTypeKernels {
  /// y[r] over the n contiguous elements of row r: a fixed tree of short chains.
  using Rows = void (*)(const T* x, int64_t rows, int64_t n, int64_t row_stride, T* y);
  /// y[j] over the rows of column j.
  using Columns = void (*)(const T* x, int64_t rows, int64_t n, int64_t row_stride, T* y);
  Rows rows[reduction_kinds];
  Columns columns[reduction_kinds];
  /// Sum of x[i] * y[i].
  T (*dot)(const T* x, const T* y, int64_t n);
};

struct ReduceKernels {
  ReduceTypeKernels<float> f32;
  ReduceTypeKernels<double> f64;
  template <class T> const ReduceTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
