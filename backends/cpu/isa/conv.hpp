#pragma once

#include <cstdint>

namespace weft::cpu {

/// A run of steps of a sum: step k multiplies A's elements at a + k a_step, one for each row of the result, by the row
/// of B at b + k b_step.
template <class T> struct ConvRun {
  const T *a, *b;
  int64_t length;
};

/// C[rows, columns] = (accumulate ? C : 0) + the sum over all runs, one after the other, then + bias[columns] where
/// there is one, then max(0, .) with `relu`. Row r of A is at r a_row. B's rows must be readable up to a multiple of
/// the lanes.
template <class T> struct ConvBlock {
  int64_t rows = 0, columns = 0;
  const ConvRun<T>* runs = nullptr;
  int64_t run_count = 0;
  int64_t a_row = 0, a_step = 1, b_step = 0;
  T* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
  const T* bias = nullptr;
  bool relu = false;
};

/// The sums of one element of a depthwise kernel.
template <class T> struct DepthwiseTap {
  const T* x;
  T* sums;
};

template <class T> struct ConvTypeKernels {
  /// Lanes of a register, and the most columns of a product (a multiple of them).
  int lanes, panel;
  void (*product)(const ConvBlock<T>& block);
  /// Of the same block: C[r, j] = sum over runs of a[r a_row + j] b[j], any number of columns; lengths and steps do not
  /// count, nothing beyond the columns is read.
  void (*depthwise)(const ConvBlock<T>& block);
  /// sums[j] += sum over k < length of x[k x_step + j] d_y[k y_step + j] for every tap, j < columns.
  void (*depthwise_gradient)(const DepthwiseTap<T>* taps, int64_t tap_count, int64_t length, int64_t columns,
                             int64_t x_step, const T* d_y, int64_t y_step);
};

struct ConvKernels {
  ConvTypeKernels<float> f32;
  ConvTypeKernels<double> f64;
  template <class T> const ConvTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
