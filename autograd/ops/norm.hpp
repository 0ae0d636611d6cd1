#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {

/// Normalization over the last axis: x [..., features], then scale [features] with `has_scale` and bias [features] with
/// `has_bias` -> (x - mean) / sqrt(variance + epsilon) * scale + bias. Not `centered`, it is RMS normalization: the
/// mean stays in, and the variance is the mean square. Two passes: the variance is that of the differences from the
/// mean.
struct LayerNorm {
  static constexpr std::string_view name = "layer_norm";
  double epsilon = 1e-6;
  bool centered = true, has_scale = false, has_bias = false;
  bool operator==(const LayerNorm&) const = default;
};

/// Its gradient: d_y [..., features], x, scale with `has_scale` -> d_x, and d_scale and d_bias where there is a scale
/// and a bias. With `passes`, a last input of x's shape is added to d_x: what comes to x on other ways.
struct LayerNormGrad {
  static constexpr std::string_view name = "layer_norm_grad";
  LayerNorm forward;
  bool passes = false;
  bool operator==(const LayerNormGrad&) const = default;
};

/// A residual connection and its normalization in one pass: x, residual of the same shape, then scale and bias as for
/// `norm` -> x + residual, and layer_norm of that. The same bits as both ops one after the other.
struct AddLayerNorm {
  static constexpr std::string_view name = "add_layer_norm";
  LayerNorm norm;
  bool operator==(const AddLayerNorm&) const = default;
};

}  // namespace op

/// x + residual, and layer_norm() of that over the last axis, in one pass; x and residual [..., features], scale and
/// bias [features] or undefined. Throws ShapeError, DTypeError.
struct Normalized {
  Tensor sum, normal;
};
Normalized add_layer_norm(const Tensor& x, const Tensor& residual, const Tensor& scale = Tensor(),
                          const Tensor& bias = Tensor(), double epsilon = 1e-6);

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and biased variance over `axes` of x. scale and bias,
/// where defined, broadcast to x (so [features] for the last axis). Fused when `axes` is the last axis alone.
Tensor layer_norm(const Tensor& x, const Tensor& scale = Tensor(), const Tensor& bias = Tensor(), double epsilon = 1e-6,
                  const Shape& axes = {-1});

/// x / sqrt(mean of x^2 over `axes` + epsilon) * scale.
Tensor rms_norm(const Tensor& x, const Tensor& scale = Tensor(), double epsilon = 1e-6, const Shape& axes = {-1});

/// layer_norm of x [batch, space..., features] over every axis but the first, within each of `groups` groups of
/// consecutive features; scale and bias [features]. Throws ShapeError when `groups` does not divide the features.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& scale = Tensor(), const Tensor& bias = Tensor(),
                  double epsilon = 1e-6);

/// Mean and biased variance over `axes`, which stay with length 1. Elements where `where` (boolean, broadcast to x) is
/// false do not count.
struct Moments {
  Tensor mean, variance;
};
Moments moments(const Tensor& x, const Shape& axes, const Tensor& where = Tensor());

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, all broadcast to x: batch normalization with either
/// statistics.
Tensor normalize(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& scale = Tensor(),
                 const Tensor& bias = Tensor(), double epsilon = 1e-5);

/// Defines the primitives of this file.
void define_norm();

}  // namespace weft
