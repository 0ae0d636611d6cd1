#pragma once

#include <string_view>

#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/window.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

/// The geometry of a convolution with one to three space axes; every Shape holds one number for each of them.
struct ConvGeometry {
  Shape strides, low, high, input_dilation, kernel_dilation;
  int64_t groups = 1;
  bool operator==(const ConvGeometry&) const = default;

  /// Input length of a space axis with zeros between and around the elements.
  int64_t padded(int axis, int64_t length) const {
    return (length > 0 ? (length - 1) * input_dilation[axis] + 1 : 0) + low[axis] + high[axis];
  }
};

namespace op {

/// x [N, space..., in], kernel [window..., in / groups, out] and, with `has_bias`, bias [out] -> [N, positions...,
/// out]: y[n, p, o] = sum over w, i of x[n, p * stride + w * kernel_dilation - low, i] * kernel[w, i, o] + bias[o], the
/// kernel not flipped.
struct Conv {
  static constexpr std::string_view name = "conv";
  ConvGeometry geometry;
  bool has_bias = false;
  bool operator==(const Conv&) const = default;
};

/// activation(conv), with the inputs of op::Conv and the bits of the two primitives run one after the other. The
/// activation is `none` or `relu`.
struct FusedConv {
  static constexpr std::string_view name = "fused_conv";
  ConvGeometry geometry;
  bool has_bias = false;
  Activation activation = Activation::none;
  bool operator==(const FusedConv&) const = default;
};

/// The gradient with respect to x: d_y [N, positions..., out], kernel -> [N, space..., in].
struct ConvInputGrad {
  static constexpr std::string_view name = "conv_input_grad";
  ConvGeometry geometry;
  Shape space;  ///< of x
  bool operator==(const ConvInputGrad&) const = default;
};

/// The gradient with respect to the kernel: x, d_y [N, positions..., out] -> [window..., in / groups, out].
struct ConvKernelGrad {
  static constexpr std::string_view name = "conv_kernel_grad";
  ConvGeometry geometry;
  Shape window;  ///< of the kernel
  bool operator==(const ConvKernelGrad&) const = default;
};

}  // namespace op

/// Empty shapes mean 1 for every space axis; a single number counts for all of them.
struct ConvArguments {
  Shape strides = {};
  Padding padding = PaddingRule::same;
  Shape input_dilation = {};   ///< d puts d - 1 zeros between neighbouring inputs
  Shape kernel_dilation = {};  ///< d puts d - 1 zeros between neighbouring kernel elements
  int64_t groups = 1;          ///< output feature o sees the in / groups features of group o / (out / groups)
};

/// op::Conv of x [batch..., space..., in] (any number of batch axes, none too) with kernel [window..., in / groups,
/// out], one to three space axes -> [batch..., positions..., out], plus bias [out] where there is one. The kernel is
/// not flipped. Throws ShapeError, ValueError.
Tensor conv(const Tensor& x, const Tensor& kernel, const ConvArguments& arguments = {}, const Tensor& bias = Tensor());

struct ConvTransposeArguments {
  Shape strides = {};
  Padding padding = PaddingRule::same;
  Shape kernel_dilation = {};
  /// The kernel is [window..., out, in], and is flipped over the window first: then this is the gradient of conv.
  bool transpose_kernel = false;
};

/// Transposed convolution as in Flax: stride - 1 zeros between neighbouring elements of x [batch..., space..., in],
/// then a convolution of stride 1 with kernel [window..., in, out]. `same` gives n * stride results, `valid` all that
/// any input touches; exact numbers pad the spread-out x; `circular` wraps the valid result round the period n *
/// stride.
Tensor conv_transpose(const Tensor& x, const Tensor& kernel, const ConvTransposeArguments& arguments = {});

/// Defines the primitives of this file.
void define_conv();

}  // namespace weft
