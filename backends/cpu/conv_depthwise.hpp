#pragma once

#include <array>

#include <weft/backends/cpu/conv_phases.hpp>

namespace weft::cpu {

/// Every feature is a group of its own: products of matrices would be one element wide.
inline bool is_depthwise(const ConvShape& shape) {
  return shape.groups > 1 && shape.groups == shape.in_features && shape.groups == shape.out_features;
}

/// The outputs of one phase.
template <class T>
void depthwise_forward(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase, const T* x,
                       const T* kernel, T* y);
/// Adds the rows [begin, end) of one phase to d_kernel.
template <class T>
void depthwise_kernel_gradient(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase,
                               int64_t begin, int64_t end, const T* x, const T* d_y, T* d_kernel);

}  // namespace weft::cpu
