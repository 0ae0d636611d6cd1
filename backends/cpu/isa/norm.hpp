#pragma once

#include <cstdint>

namespace weft::cpu {

/// Rows of n features, contiguous, to be normalized: op::LayerNorm's attributes.
template <class T> struct NormRows {
  const T* x = nullptr;
  int64_t rows = 0, n = 0;
  T epsilon = 0;
  bool centered = true;
  const T* scale = nullptr;  // [n] or null
  /// For add_layer_norm: where there is a residual, rows of n as x, x + residual is what is normalized, and goes to
  /// sum.
  const T* residual = nullptr;
  T* sum = nullptr;
};

template <class T> struct NormTypeKernels {
  /// y = (x - mean) / sqrt(variance + epsilon) * scale + bias; bias [n] or null.
  void (*forward)(const NormRows<T>& rows, const T* bias, T* y);
  /// Writes d_x, plus `passed` where there is such (rows of n), and the rows' shares of d_scale and d_bias ([n] or
  /// null).
  void (*backward)(const NormRows<T>& rows, const T* d_y, const T* passed, T* d_x, T* d_scale, T* d_bias);
};

struct NormKernels {
  NormTypeKernels<float> f32;
  NormTypeKernels<double> f64;
  template <class T> const NormTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
