#pragma once

#include <weft/backends/cuda/conv_gather.hpp>
#include <weft/core/tensor.hpp>

// The backend's own convolutions. Each result has one thread, or parts that are added in order: the same bits each run.

namespace weft::cuda {

/// What follows the sums: bias [groups x columns] where there is one, then max(0, .).
struct ConvFinish {
  const Tensor* bias = nullptr;
  bool relu = false;
};

/// The gather of a convolution, or of its gradient with respect to x, with its kernel; writes all of the result, which
/// has elements.
void own_conv(const Gather& gather, const Tensor& source, const Tensor& kernel, Tensor& result,
              const ConvFinish& finish = {});

/// The gradient with respect to the kernel, which has elements; `gather` is the convolution's own.
void own_conv_kernel_gradient(const Gather& gather, const Tensor& x, const Tensor& d_y, Tensor& d_kernel);

/// bias and relu for y [..., features], in its place.
void finish_conv(Tensor& y, const ConvFinish& finish);

}  // namespace weft::cuda
