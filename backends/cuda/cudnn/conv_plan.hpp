#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <weft/autograd/ops/conv.hpp>

namespace weft::cuda {

/// A tensor as cuDNN describes it: extents with features right after the batch, whatever the order in memory, and the
/// strides that say it.
struct CudnnTensor {
  std::vector<int64_t> extents, strides;
  bool operator==(const CudnnTensor&) const = default;
};

enum class ConvPass : uint8_t { forward, input_gradient, kernel_gradient };

/// A convolution in cuDNN's terms. One space axis becomes two, the first of extent 1.
///
/// A transposed convolution, with gaps in x, is told as the gradient of the convolution that goes from y to x, whose
/// filter is flipped: then `x` here is our y, and the other way round.
///
/// cuDNN takes any strides for a filter but looks at few: of those that are not [out, in, window...] without gaps it
/// reads all as [out, window..., in]. Ours is [window..., in, out], so it is copied: `kernel` is how it lies in memory,
/// with the filter's extents; a gradient comes back the same way.
struct CudnnConv {
  CudnnTensor x, y;            ///< [batch, features, space...], features last in memory
  CudnnTensor filter, kernel;  ///< [out, in / groups, window...]
  int64_t kernel_offset = 0;   ///< where in our kernel the filter's first element is
  bool transposed = false;
  std::vector<int64_t> low, high, strides, dilations;

  /// What a plan depends on besides pass, dtype and device.
  std::vector<int64_t> key() const;
  int64_t filter_elements() const;
};

/// Nothing for what cuDNN does not serve: gaps in x together with strides or groups, negative padding, extents of 0 or
/// that 32 bits do not hold, memory that is not aligned to 16 bytes.
std::optional<CudnnConv> plan_cudnn_conv(const ConvGeometry& geometry, const Tensor& x, const Tensor& kernel,
                                         const Tensor& y);

}  // namespace weft::cuda
