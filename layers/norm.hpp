#pragma once

#include <optional>

#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct LayerNormOptions {
  int64_t num_features = inferred;
  double epsilon = 1e-6;
  bool use_bias = true, use_scale = true;
  Shape reduction_axes = {-1};  ///< of the statistics
  Shape feature_axes = {-1};    ///< of scale and bias
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer scale_init = initializers::ones(), bias_init = initializers::zeros();
};

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and biased variance over `reduction_axes`. Statistics are
/// computed in float32 at least, in two passes. x and the result: any shape that has the axes.
struct LayerNorm {
  Param scale, bias;  ///< extents of the feature axes; empty where not used
  double epsilon;
  Shape reduction_axes, feature_axes;
  std::optional<DType> dtype;
  WEFT_MODULE(LayerNorm, scale, bias, epsilon, reduction_axes, feature_axes, dtype)

  LayerNorm(const LayerNormOptions& options, Rngs& rngs);
  /// Where a boolean `mask` (broadcast to x) is false, elements do not count in the statistics. Throws ShapeError.
  Tensor operator()(const Tensor& x, const Tensor& mask = {}) const;
};

struct RMSNormOptions {
  int64_t num_features = inferred;
  double epsilon = 1e-6;
  bool use_scale = true;
  Shape reduction_axes = {-1};
  Shape feature_axes = {-1};
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer scale_init = initializers::ones();
};

/// x / sqrt(mean of x^2 over `reduction_axes` + epsilon) * scale.
struct RMSNorm {
  Param scale;
  double epsilon;
  Shape reduction_axes, feature_axes;
  std::optional<DType> dtype;
  WEFT_MODULE(RMSNorm, scale, epsilon, reduction_axes, feature_axes, dtype)

  RMSNorm(const RMSNormOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& x, const Tensor& mask = {}) const;
};

struct GroupNormOptions {
  int64_t num_features = inferred;
  int64_t num_groups = 32;
  int64_t group_size = inferred;  ///< where given, it counts, and num_groups follows
  double epsilon = 1e-6;
  bool use_bias = true, use_scale = true;
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer scale_init = initializers::ones(), bias_init = initializers::zeros();
};

/// LayerNorm over every axis of x [batch, space..., features] but the first, within each group of consecutive features;
/// scale and bias [features].
struct GroupNorm {
  Param scale, bias;
  int64_t num_groups, group_size;
  double epsilon;
  std::optional<DType> dtype;
  WEFT_MODULE(GroupNorm, scale, bias, num_groups, group_size, epsilon, dtype)

  GroupNorm(const GroupNormOptions& options, Rngs& rngs);
  /// Throws ShapeError when the groups do not divide the features.
  Tensor operator()(const Tensor& x) const;
};

struct InstanceNormOptions {
  int64_t num_features = inferred;
  double epsilon = 1e-6;
  bool use_bias = true, use_scale = true;
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer scale_init = initializers::ones(), bias_init = initializers::zeros();
};

/// LayerNorm over every axis of x [batch, space..., features] but the first and the last; scale and bias [features].
struct InstanceNorm {
  Param scale, bias;
  double epsilon;
  std::optional<DType> dtype;
  WEFT_MODULE(InstanceNorm, scale, bias, epsilon, dtype)

  InstanceNorm(const InstanceNormOptions& options, Rngs& rngs);
  /// Throws ShapeError when there is no space axis.
  Tensor operator()(const Tensor& x) const;
};

}  // namespace weft
