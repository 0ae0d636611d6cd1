#include <weft/layers/film.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/scope.hpp>

namespace weft {
namespace {

LinearOptions projection(const FiLMOptions& options) {
  if (options.features < 1)
    throw ValueError("FiLM: features: expected at least 1, got " + std::to_string(options.features));
  return {.in_features = options.condition_features,
          .out_features = 2 * options.features,
          .dtype = options.dtype,
          .param_dtype = options.param_dtype,
          .kernel_init = options.kernel_init};
}

}  // namespace

FiLM::FiLM(const FiLMOptions& options, Rngs& rngs) : modulate(projection(options), rngs) {}

Tensor FiLM::operator()(const Tensor& x, const Tensor& condition) const {
  Scope scope(*this);
  const int batch = condition.rank() - 1;
  if (condition.rank() < 1 || x.rank() <= batch || !(x.shape().slice(0, batch) == condition.shape().slice(0, batch)))
    throw ShapeError("x: expected the batch axes " + to_string(condition.shape().slice(0, std::max(batch, 0))) +
                     " of the condition first, got " + to_string(x.shape()));
  Tensor both = modulate(condition);
  const int64_t features = both.size(-1) / 2;
  if (x.size(-1) != features)
    throw ShapeError("x: expected " + std::to_string(features) + " features, got " + to_string(x.shape()));
  Shape aligned = condition.shape().slice(0, batch);
  while (aligned.rank() < x.rank() - 1) aligned.push_back(1);
  aligned.push_back(2 * features);
  both = reshape(both, aligned);
  return x * (slice_axis(both, -1, 0, features) + 1.0) + slice_axis(both, -1, features, 2 * features);
}

}  // namespace weft
