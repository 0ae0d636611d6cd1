#pragma once

#include <cstdint>

namespace weft::cpu {

/// One space axis of a convolution. Output p of the axis sees, with window element w, the input at
/// (p stride + w kernel_dilation - low) / input_dilation - where that is whole and inside the input, else 0.
struct ConvAxis {
  int64_t input = 1, window = 1, output = 1;
  int64_t stride = 1, low = 0, input_dilation = 1, kernel_dilation = 1;
};

/// x [batch, space..., in_features], kernel [window..., in_features / groups, out_features], y [batch, positions...,
/// out_features]: all contiguous. Any extent may be 0, but for strides, dilations and groups.
struct ConvShape {
  int axes = 1;  ///< 1 to 3
  ConvAxis axis[3];
  int64_t batch = 0, in_features = 0, out_features = 0, groups = 1;
};

/// What follows the sums: bias [out_features] where there is one, then max(0, .).
template <class T> struct ConvFinish {
  const T* bias = nullptr;
  bool relu = false;
};

// For float and double, as matrix products of rows of windows, gathered a block at a time; shared among threads. The
// order of sums depends on the shape and instruction set alone. Each writes all of its result, and may throw
// MemoryError.

template <class T>
void conv_forward(const ConvShape& shape, const T* x, const T* kernel, T* y, const ConvFinish<T>& finish = {});
/// d_y as y, d_x as x.
template <class T> void conv_input_gradient(const ConvShape& shape, const T* kernel, const T* d_y, T* d_x);
template <class T> void conv_kernel_gradient(const ConvShape& shape, const T* x, const T* d_y, T* d_kernel);

}  // namespace weft::cpu
