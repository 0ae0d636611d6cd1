#pragma once

#include <cstdint>

namespace weft::cpu {

/// One element of a window: its features, and its number among the places of x, a whole number.
template <class T> struct PoolTap {
  const T* x;
  T place;
};

/// A window's values, and the places in x that they came from.
template <class T> struct PoolSource {
  const T* values;
  const int32_t* places;
};

template <class T> struct PoolTypeKernels {
  /// y[j] = sum over taps of x[j], in order; 0 without taps.
  void (*sum)(const PoolTap<T>* taps, int64_t count, int64_t features, T* y);
  /// y[j] = the largest (smallest) of the taps' x[j], places[j] its place: the first of equal ones, or the first NaN.
  /// At least one tap.
  void (*extreme)(const PoolTap<T>* taps, int64_t count, int64_t features, bool minimum, T* y, int32_t* places);
  /// x[j] = sum over the sources of values[j] where places[j] is `place`, in order; 0 without sources.
  void (*scatter)(const PoolSource<T>* sources, int64_t count, int64_t features, int32_t place, T* x);
};

struct PoolKernels {
  PoolTypeKernels<float> f32;
  PoolTypeKernels<double> f64;
  template <class T> const PoolTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
