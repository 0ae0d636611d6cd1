#include <weft/training/ema.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>

namespace weft {

void ParameterAverage::blend(const State& params) {
  if (!average_.same_paths(params)) throw StateError("parameter average: expected the model that it was made for");
  NoGrad guard;
  for (size_t i = 0; i < params.size(); ++i)
    average_.value(i) = step_size_ * params.value(i) + (1 - step_size_) * average_.value(i);
}

}  // namespace weft
