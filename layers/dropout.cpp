#include <weft/layers/dropout.hpp>

#include <weft/autograd/ops/random.hpp>
#include <weft/core/error.hpp>

namespace weft {

Dropout::Dropout(const DropoutOptions& options, Rngs& random)
    : rngs(random["dropout"].fork()),
      rate(options.rate),
      broadcast_axes(options.broadcast_axes),
      deterministic(options.deterministic) {
  if (!(rate >= 0 && rate <= 1)) throw ValueError("dropout: expected a rate from 0 to 1, got " + std::to_string(rate));
}

Tensor Dropout::operator()(const Tensor& x) const {
  Scope scope(*this);
  if (deterministic || rate == 0) return x;
  return dropout(x, rate, rngs.next(), broadcast_axes);
}

Tensor Dropout::operator()(const Tensor& x, const RandomKey& key) const {
  Scope scope(*this);
  return rate == 0 ? x : dropout(x, rate, key, broadcast_axes);
}

}  // namespace weft
