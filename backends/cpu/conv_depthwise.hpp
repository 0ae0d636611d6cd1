#pragma once

#include <weft/backends/cpu/conv.hpp>

namespace weft::cpu {

/// Every output feature sees one input feature: o sees o / (out_features / in_features).
inline bool is_depthwise(const ConvShape& shape) { return shape.groups > 1 && shape.groups == shape.in_features; }

/// Forward, with every input feature counted as often as there are outputs of it (`fold` 1), or the gradient of the
/// input as a convolution of d_y, where `fold` neighbouring results are one input's. The weights of window element w
/// [features] are at kernel + w tap.
template <class T>
void depthwise_forward(const ConvShape& shape, const T* x, const T* kernel, int64_t tap, int64_t fold, T* y,
                       const ConvFinish<T>& finish);

template <class T> void depthwise_kernel_gradient(const ConvShape& shape, const T* x, const T* d_y, T* d_kernel);

}  // namespace weft::cpu
