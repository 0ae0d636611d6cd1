#include <weft/layers/norm.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/feature_scale.hpp>

namespace weft {
namespace {

void check_space(const Tensor& x, int least) {
  if (x.rank() < least)
    throw ShapeError("expected inputs [batch, space..., features] with " + std::to_string(least) +
                     " axes or more, got " + to_string(x.shape()));
}

}  // namespace

LayerNorm::LayerNorm(const LayerNormOptions& options, Rngs& rngs)
    : scale(feature_param(options.use_scale, options.scale_init, rngs.params(), options.param_dtype,
                          options.num_features)),
      bias(
          feature_param(options.use_bias, options.bias_init, rngs.params(), options.param_dtype, options.num_features)),
      epsilon(options.epsilon),
      reduction_axes(options.reduction_axes),
      feature_axes(options.feature_axes),
      dtype(options.dtype) {}

Tensor LayerNorm::operator()(const Tensor& x, const Tensor& mask) const {
  Scope scope(*this);
  Tensor factor = for_feature_axes(scale, x, feature_axes), offset = for_feature_axes(bias, x, feature_axes);
  DType type = compute_dtype(dtype, {x, factor, offset}), wide = statistics_dtype(type);
  Tensor input = in_dtype(x, wide);
  factor = in_dtype(factor, wide);
  offset = in_dtype(offset, wide);
  if (!mask.defined()) return in_dtype(layer_norm(input, factor, offset, epsilon, reduction_axes), type);
  Moments statistics = moments(input, reduction_axes, mask);
  return in_dtype(normalize(input, statistics.mean, statistics.variance, factor, offset, epsilon), type);
}

RMSNorm::RMSNorm(const RMSNormOptions& options, Rngs& rngs)
    : scale(feature_param(options.use_scale, options.scale_init, rngs.params(), options.param_dtype,
                          options.num_features)),
      epsilon(options.epsilon),
      reduction_axes(options.reduction_axes),
      feature_axes(options.feature_axes),
      dtype(options.dtype) {}

Tensor RMSNorm::operator()(const Tensor& x, const Tensor& mask) const {
  Scope scope(*this);
  Tensor factor = for_feature_axes(scale, x, feature_axes);
  DType type = compute_dtype(dtype, {x, factor}), wide = statistics_dtype(type);
  Tensor input = in_dtype(x, wide);
  factor = in_dtype(factor, wide);
  if (!mask.defined()) return in_dtype(rms_norm(input, factor, epsilon, reduction_axes), type);
  Tensor y = input * rsqrt(mean(square(input), reduction_axes, true, mask) + epsilon);
  return in_dtype(factor.defined() ? y * factor : y, type);
}

GroupNorm::GroupNorm(const GroupNormOptions& options, Rngs& rngs)
    : scale(feature_param(options.use_scale, options.scale_init, rngs.params(), options.param_dtype,
                          options.num_features)),
      bias(
          feature_param(options.use_bias, options.bias_init, rngs.params(), options.param_dtype, options.num_features)),
      num_groups(options.num_groups),
      group_size(options.group_size),
      epsilon(options.epsilon),
      dtype(options.dtype) {
  check_size(group_size == inferred ? "num_groups" : "group_size", group_size == inferred ? num_groups : group_size);
}

Tensor GroupNorm::operator()(const Tensor& x) const {
  Scope scope(*this);
  check_space(x, 2);
  int64_t features = x.shape().back(), divisor = group_size == inferred ? num_groups : group_size;
  if (features % divisor != 0)
    throw ShapeError(std::string("expected features that the ") +
                     (group_size == inferred ? "number of groups " : "group size ") + std::to_string(divisor) +
                     " divides, got " + to_string(x.shape()));
  Tensor factor = for_feature_axes(scale, x, {-1}), offset = for_feature_axes(bias, x, {-1});
  DType type = compute_dtype(dtype, {x, factor, offset}), wide = statistics_dtype(type);
  return in_dtype(group_norm(in_dtype(x, wide), group_size == inferred ? num_groups : features / group_size,
                             in_dtype(factor, wide), in_dtype(offset, wide), epsilon),
                  type);
}

InstanceNorm::InstanceNorm(const InstanceNormOptions& options, Rngs& rngs)
    : scale(feature_param(options.use_scale, options.scale_init, rngs.params(), options.param_dtype,
                          options.num_features)),
      bias(
          feature_param(options.use_bias, options.bias_init, rngs.params(), options.param_dtype, options.num_features)),
      epsilon(options.epsilon),
      dtype(options.dtype) {}

Tensor InstanceNorm::operator()(const Tensor& x) const {
  Scope scope(*this);
  check_space(x, 3);
  Shape axes;
  for (int axis = 1; axis < x.rank() - 1; ++axis) axes.push_back(axis);
  Tensor factor = for_feature_axes(scale, x, {-1}), offset = for_feature_axes(bias, x, {-1});
  DType type = compute_dtype(dtype, {x, factor, offset}), wide = statistics_dtype(type);
  return in_dtype(layer_norm(in_dtype(x, wide), in_dtype(factor, wide), in_dtype(offset, wide), epsilon, axes), type);
}

}  // namespace weft
