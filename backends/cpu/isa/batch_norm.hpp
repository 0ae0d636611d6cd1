#pragma once

#include <cstdint>

namespace weft::cpu {

/// Rows of features, contiguous.
template <class T> struct FeatureRows {
  const T* x = nullptr;
  int64_t rows = 0, features = 0;
};

template <class T> struct BatchNormTypeKernels {
  /// Mean of every feature over the rows (at least one), and the sum of squared differences from it.
  void (*moments)(const FeatureRows<T>& rows, T* mean, T* squares);
  /// y = (x - mean) * factor + bias, all but x and y [features]; bias may be null.
  void (*normalize)(const FeatureRows<T>& rows, const T* mean, const T* factor, const T* bias, T* y);
  /// Adds, over the rows, d_y to sums and d_y (x - mean) to products.
  void (*gradient_sums)(const FeatureRows<T>& rows, const T* mean, const T* d_y, T* sums, T* products);
  /// d_x = d_y * factor + (x - mean) * slope + offset.
  void (*gradient)(const FeatureRows<T>& rows, const T* mean, const T* d_y, const T* factor, const T* slope,
                   const T* offset, T* d_x);
};

struct BatchNormKernels {
  BatchNormTypeKernels<float> f32;
  BatchNormTypeKernels<double> f64;
  template <class T> const BatchNormTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
