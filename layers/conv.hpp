#pragma once

#include <optional>

#include <weft/autograd/ops/conv.hpp>
#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct ConvOptions {
  int64_t in_features = inferred;
  int64_t out_features = inferred;  ///< has to be given
  Shape kernel_size = {};           ///< the window, one number for each space axis (one to three); has to be given
  Shape strides = {};               ///< empty: 1; one number: for all axes
  Padding padding = PaddingRule::same;
  Shape input_dilation = {}, kernel_dilation = {};
  int64_t groups = 1;  ///< output feature o sees the in / groups features of group o / (out / groups)
  Tensor mask = {};    ///< multiplies the kernel, of its shape; none when undefined
  bool use_bias = true;
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer kernel_init = initializers::lecun_normal();
  Initializer bias_init = initializers::zeros();
};

/// Convolution of x [batch..., space..., in], any number of batch axes -> [batch..., positions..., out]. The kernel is
/// not flipped.
struct Conv {
  Param kernel;  ///< [window..., in / groups, out]
  Param bias;    ///< [out]; empty without one
  int64_t in_features, out_features;
  Shape kernel_size;
  ConvArguments arguments;
  Tensor mask;
  std::optional<DType> dtype;
  WEFT_MODULE(Conv, kernel, bias, in_features, out_features, kernel_size, arguments, mask, dtype)

  /// Throws ValueError for sizes that make no sense or that `groups` does not divide.
  Conv(const ConvOptions& options, Rngs& rngs);
  /// Throws ShapeError.
  Tensor operator()(const Tensor& x) const;

 private:
  void resolve(int64_t in) const;
};

}  // namespace weft
