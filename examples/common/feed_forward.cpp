#include <weft/examples/common/feed_forward.hpp>

#include <weft/weft.hpp>

namespace weft::examples {

FeedForward::FeedForward(int64_t width, int64_t hidden, Rngs& rngs)
    : norm({}, rngs), up({.out_features = hidden}, rngs), down({.out_features = width}, rngs) {}

Tensor FeedForward::operator()(const Tensor& x) const {
  Scope scope(*this);
  return x + down(gelu(up(norm(x))));
}

}  // namespace weft::examples
