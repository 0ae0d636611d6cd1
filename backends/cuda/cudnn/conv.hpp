#pragma once

#include <weft/autograd/ops/conv.hpp>

// Convolutions by cuDNN. Each writes all of its result, which has elements, and returns true; or returns false, with
// nothing done, for what cuDNN does not serve.

namespace weft::cuda {

bool cudnn_conv(const ConvGeometry& geometry, const Tensor& x, const Tensor& kernel, Tensor& y);
bool cudnn_conv_input_gradient(const ConvGeometry& geometry, const Tensor& d_y, const Tensor& kernel, Tensor& d_x);
bool cudnn_conv_kernel_gradient(const ConvGeometry& geometry, const Tensor& x, const Tensor& d_y, Tensor& d_kernel);

}  // namespace weft::cuda
