#pragma once

#include <weft/layers/linear.hpp>
#include <weft/layers/norm.hpp>

namespace weft::examples {

/// x + down(gelu(up(norm(x)))), x [..., width].
struct FeedForward {
  LayerNorm norm;
  Linear up, down;
  WEFT_MODULE(FeedForward, norm, up, down)

  FeedForward(int64_t width, int64_t hidden, Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace weft::examples
