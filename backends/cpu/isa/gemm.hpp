#pragma once

#include <cstdint>

namespace weft::cpu {

/// A piece of a matrix product that one thread does in one go, with everything in place:
/// C[m, n] = (accumulate ? C : 0) + A[m, k] B[k, n] + bias[n].
/// B lies in panels of `panel` columns, `b_panel` elements apart, each with rows `b_row` apart and unit column stride.
/// Where n is no multiple of the lanes, the last panel's rows must be readable (and finite) up to one.
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

template <class T> struct GemmTypeKernels {
  /// Lanes of a register, and columns of a panel of B (a multiple of them).
  int lanes, panel;
  void (*block)(const GemmBlock<T>& block);
  /// Copies B[k, n], n <= panel, of any strides to rows of `width` (n rounded up to lanes), zero-padded.
  void (*pack)(int64_t k, int64_t n, const T* b, int64_t b_row, int64_t b_col, T* packed, int64_t width);
  /// y[n] = (accumulate ? y : 0) + x[k] B[k, n] + bias[n], reading whole rows of B (unit column stride).
  void (*row)(int64_t k, int64_t n, const T* x, int64_t x_step, const T* b, int64_t b_row, T* y, bool accumulate,
              const T* bias);
  /// The same with B's columns contiguous, `b_col` apart, and x contiguous: n dot products.
  void (*dots)(int64_t k, int64_t n, const T* x, const T* b, int64_t b_col, T* y, bool accumulate, const T* bias);
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
