#pragma once

#include <cstdint>

namespace weft::cpu {

/// A piece of a matrix product that one thread does in one go, with everything in place: C[m, n] = (accumulate ? C : 0)
/// + A[m, k] B[k, n] + bias[n]. B lies in panels of `panel` columns, `b_panel` elements apart, each with rows `b_row`
/// apart and unit column stride. Where n is no multiple of the lanes, the last panel's rows must be readable (and
/// finite) up to one.
template <class T> struct GemmBlock {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t a_row = 0, a_col = 0;
  const T* b = nullptr;
  int64_t b_row = 0, b_panel = 0;
  T* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
  const T* bias = nullptr;
};

/// C[m, n] = (accumulate ? C : 0) + A[m, k] B[k, n] + bias[n] with A's rows and B's columns contiguous: dot products.
template <class T> struct GemmDots {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t a_row = 0;
  const T* b = nullptr;
  int64_t b_col = 0;
  T* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
  const T* bias = nullptr;
};

/// C[m, n] = (accumulate ? C : 0) + A[m, k] B[k, n] + bias[n] for few rows: reads B's rows, whose columns are
/// contiguous, once from end to end.
template <class T> struct GemmStream {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t a_row = 0, a_col = 0;
  const T* b = nullptr;
  int64_t b_row = 0;
  T* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
  const T* bias = nullptr;
};

template <class T> struct GemmTypeKernels {
  /// Lanes of a register, and columns of a panel of B (a multiple of them).
  int lanes, panel;
  void (*block)(const GemmBlock<T>& block);
  /// Copies B[k, n], n <= panel, of any strides to rows of `width` (n rounded up to lanes), zero-padded.
  void (*pack)(int64_t k, int64_t n, const T* b, int64_t b_row, int64_t b_col, T* packed, int64_t width);
  void (*stream)(const GemmStream<T>& stream);
  void (*dots)(const GemmDots<T>& dots);
};

struct GemmKernels {
  GemmTypeKernels<float> f32;
  GemmTypeKernels<double> f64;
  template <class T> const GemmTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
