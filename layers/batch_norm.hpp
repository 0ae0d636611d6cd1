#pragma once

#include <optional>

#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct BatchNormOptions {
  int64_t num_features = inferred;
  int axis = -1;           ///< the feature axis
  double momentum = 0.99;  ///< share of the old running statistic that is kept
  double epsilon = 1e-5;
  bool use_bias = true, use_scale = true;
  bool use_running_average = false;
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer scale_init = initializers::ones(), bias_init = initializers::zeros();
};

/// Normalizes every feature over all other axes (Ioffe and Szegedy 2015). In training (`use_running_average` false)
/// with the batch's own mean and biased variance, through which the gradient flows, and `running = momentum * running +
/// (1 - momentum) * batch`; in evaluation with the running ones. train() and eval() switch.
struct BatchNorm {
  Param scale, bias;    ///< [features]; empty where not used
  BatchStat mean, var;  ///< [features]; 0 and 1 at first
  int axis;
  double momentum, epsilon;
  bool use_running_average;
  std::optional<DType> dtype;
  WEFT_MODULE(BatchNorm, scale, bias, mean, var, axis, momentum, epsilon, use_running_average, dtype)

  BatchNorm(const BatchNormOptions& options, Rngs& rngs);
  /// x and the result [..., features at `axis`, ...]. Elements where `mask` (broadcast to x) is false do not count in
  /// the statistics, but are normalized. Throws ShapeError.
  Tensor operator()(const Tensor& x, const Tensor& mask = {}) const;
};

}  // namespace weft
