#pragma once

#include <cstdlib>
#include <numeric>

#include <weft/autograd/ops/conv.hpp>
#include <weft/backends/cuda/grid.hpp>
#include <weft/core/divided.hpp>

// A convolution and its gradient with respect to x are the same thing: each place of the result takes, for every tap of
// the window, one place of a source, times a matrix of the kernel. Where the one has strides the other has gaps.

namespace weft::cuda {

/// One space axis. Place q of the result takes from tap t the source's place (q step + t tap_step + offset) / divisor,
/// if that is whole and inside.
struct GatherAxis {
  int64_t source = 1, result = 1, window = 1;
  int64_t step = 1, offset = 0, tap_step = 1, divisor = 1;
  int64_t kernel_stride = 0;  ///< from one tap to the next, in elements of the kernel

  /// The source's place, or -1. In 32 bits, which cost less, where is_narrow() says so.
  template <class I> WEFT_DEVICE I place(I q, I t) const {
    I place = q * static_cast<I>(step) + t * static_cast<I>(tap_step) + static_cast<I>(offset);
    if (divisor != 1) {
      if (place < 0 || place % static_cast<I>(divisor) != 0) return -1;
      place /= static_cast<I>(divisor);
    }
    return place < static_cast<I>(source) ? place : -1;
  }
  /// Whether all places, and what they come from, fit into 32 bits.
  bool is_narrow() const {
    constexpr int64_t most = (int64_t{1} << 31) - 1;
    return source <= most && result <= most && window <= most && divisor <= most &&
           std::abs(offset) + result * step + window * std::abs(tap_step) <= most;
  }
  /// Results of one phase, `phases` apart, have the same taps, which are `tap_period` apart.
  int64_t phases() const { return divisor / std::gcd(step, divisor); }
  int64_t tap_period() const { return divisor / std::gcd(tap_step, divisor); }
};

/// source [batch, space..., groups x channels], kernel, result [batch, space..., groups x columns].
struct Gather {
  GatherAxis axis[3];
  int64_t batch = 0, groups = 1;
  int64_t channels = 0, columns = 0;                                ///< of a group
  int64_t channel_stride = 0, column_stride = 0, group_stride = 0;  ///< of the kernel
  /// Whether a kernel with `elements` elements and every axis do with 32 bits.
  bool is_narrow(int64_t elements) const {
    return elements < int64_t{1} << 31 && axis[0].is_narrow() && axis[1].is_narrow() && axis[2].is_narrow();
  }
  /// Places of the result.
  WEFT_HOST_DEVICE int64_t pixels() const { return batch * axis[0].result * axis[1].result * axis[2].result; }
};

namespace detail {

/// The geometry with three space axes, those in front of extent 1 where there are fewer. `extents` are x, kernel and y.
inline Gather gather_axes(const ConvGeometry& g, const Shape& x, const Shape& kernel, const Shape& y, bool back) {
  Gather gather;
  const int axes = g.strides.rank();
  gather.batch = x[0];
  gather.groups = g.groups;
  int64_t kernel_stride = kernel[axes] * kernel[axes + 1];
  for (int a = axes - 1; a >= 0; --a) {
    gather.axis[a + 3 - axes] =
        back
            ? GatherAxis{y[a + 1],     x[a + 1],     kernel[a], g.input_dilation[a], g.low[a], -g.kernel_dilation[a],
                         g.strides[a], kernel_stride}
            : GatherAxis{
                  x[a + 1],     y[a + 1], kernel[a], g.strides[a], -g.low[a], g.kernel_dilation[a], g.input_dilation[a],
                  kernel_stride};
    kernel_stride *= kernel[a];
  }
  const int64_t in = kernel[axes], out = kernel[axes + 1] / g.groups;
  gather.channels = back ? out : in;
  gather.columns = back ? in : out;
  gather.channel_stride = back ? 1 : kernel[axes + 1];
  gather.column_stride = back ? kernel[axes + 1] : 1;
  gather.group_stride = out;
  return gather;
}

}  // namespace detail

/// y from x.
inline Gather forward_gather(const ConvGeometry& g, const Shape& x, const Shape& kernel, const Shape& y) {
  return detail::gather_axes(g, x, kernel, y, false);
}
/// x's cotangent from y's.
inline Gather backward_gather(const ConvGeometry& g, const Shape& x, const Shape& kernel, const Shape& y) {
  return detail::gather_axes(g, x, kernel, y, true);
}

}  // namespace weft::cuda
