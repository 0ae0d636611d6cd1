#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {

/// Every feature of x [..., features] normalized over all other axes: y = (x - mean) / sqrt(variance + epsilon), times
/// scale [features] with `has_scale`, plus bias [features] with `has_bias`. Outputs: y, and the mean and the biased
/// variance [features]. Two passes: the variance is that of the differences from the mean. NaN for no elements.
struct BatchNorm {
  static constexpr std::string_view name = "batch_norm";
  double epsilon = 1e-5;
  bool has_scale = false, has_bias = false;
  bool operator==(const BatchNorm&) const = default;
};

/// Its gradient: cotangents of y [..., features], mean and variance [features], then x, mean, variance and, with
/// `has_scale`, scale -> d_x, and d_scale and d_bias where there is a scale and a bias.
struct BatchNormGrad {
  static constexpr std::string_view name = "batch_norm_grad";
  BatchNorm forward;
  bool operator==(const BatchNormGrad&) const = default;
};

/// The same with a given mean and variance [features]: x, mean, variance, then scale and bias where there are -> y.
struct FeatureNorm {
  static constexpr std::string_view name = "feature_norm";
  double epsilon = 1e-5;
  bool has_scale = false, has_bias = false;
  bool operator==(const FeatureNorm&) const = default;
};

}  // namespace op

/// A normalized batch with the statistics that were taken from it.
struct BatchNormResult {
  Tensor y, mean, variance;
};

/// op::BatchNorm of x [..., features]; scale and bias [features] may be undefined. Everything promotes to one floating
/// dtype. Throws ShapeError.
BatchNormResult batch_norm(const Tensor& x, const Tensor& scale = Tensor(), const Tensor& bias = Tensor(),
                           double epsilon = 1e-5);

/// op::FeatureNorm of x [..., features]: all others [features], scale and bias may be undefined. Throws ShapeError.
Tensor feature_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& scale = Tensor(),
                    const Tensor& bias = Tensor(), double epsilon = 1e-5);

/// Defines the primitives of this file.
void define_batch_norm();

}  // namespace weft
