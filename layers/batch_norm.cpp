#include <weft/layers/batch_norm.hpp>

#include <weft/autograd/ops/batch_norm.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/layers/feature_scale.hpp>

namespace weft {

BatchNorm::BatchNorm(const BatchNormOptions& options, Rngs& rngs)
    : scale(feature_param(options.use_scale, options.scale_init, rngs.params(), options.param_dtype,
                          options.num_features)),
      bias(
          feature_param(options.use_bias, options.bias_init, rngs.params(), options.param_dtype, options.num_features)),
      mean(initializers::zeros(), RandomKey(), options.param_dtype),
      var(initializers::ones(), RandomKey(), options.param_dtype),
      axis(options.axis),
      momentum(options.momentum),
      epsilon(options.epsilon),
      use_running_average(options.use_running_average),
      dtype(options.dtype) {
  if (options.num_features == inferred) return;
  mean.resolve({options.num_features});
  var.resolve({options.num_features});
}

Tensor BatchNorm::operator()(const Tensor& x, const Tensor& mask) const {
  Scope scope(*this);
  const int place = normalize_axis(axis, x.shape(), "batch_norm");
  const Shape features{x.shape()[place]};
  Tensor factor = for_feature_axes(scale, x, {place}), offset = for_feature_axes(bias, x, {place});
  mean.resolve(features);
  var.resolve(features);
  Shape broadcast = Shape::filled(x.rank(), 1), others;
  broadcast[place] = features[0];
  for (int a = 0; a < x.rank(); ++a)
    if (a != place) others.push_back(a);

  DType type = compute_dtype(dtype, {x, factor, offset}), wide = statistics_dtype(type);
  Tensor input = in_dtype(x, wide);
  factor = in_dtype(factor, wide);
  offset = in_dtype(offset, wide);
  auto with_features = [&](const Tensor& t) { return t.defined() ? reshape(t, features) : t; };
  // The fused forms take features last, and every element.
  const bool fused = place == x.rank() - 1 && !mask.defined();
  if (use_running_average) {
    Tensor average = in_dtype(mean, wide), variance = in_dtype(var, wide);
    if (fused)
      return in_dtype(feature_norm(input, average, variance, with_features(factor), with_features(offset), epsilon),
                      type);
    return in_dtype(
        normalize(input, reshape(average, broadcast), reshape(variance, broadcast), factor, offset, epsilon), type);
  }
  Tensor y;
  Moments statistics;
  if (fused) {
    BatchNormResult result = batch_norm(input, with_features(factor), with_features(offset), epsilon);
    y = result.y;
    statistics = {result.mean, result.variance};
  } else {
    statistics = moments(input, others, mask);
    y = normalize(input, statistics.mean, statistics.variance, factor, offset, epsilon);
  }
  if (!state_is_frozen()) {
    NoGrad guard;
    auto blend = [&](const BatchStat& running, const Tensor& batch) {
      Tensor now = in_dtype(reshape(batch.detach(), features), running.dtype());
      running.set(running * momentum + now * (1 - momentum));
    };
    blend(mean, statistics.mean);
    blend(var, statistics.variance);
  }
  return in_dtype(y, type);
}

}  // namespace weft
