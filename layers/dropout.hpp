#pragma once

#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct DropoutOptions {
  double rate = 0;            ///< probability of dropping, 0 to 1
  Shape broadcast_axes = {};  ///< axes along which one decision is shared
  bool deterministic = false;
};

/// In training (`deterministic` false) drops elements and multiplies the others by 1 / (1 - rate); else x itself.
/// train() and eval() switch. The random stream is the layer's own, forked in the constructor.
struct Dropout {
  RngStream rngs;
  double rate;
  Shape broadcast_axes;
  bool deterministic;
  WEFT_MODULE(Dropout, rngs, rate, broadcast_axes, deterministic)

  /// Throws ValueError unless 0 <= rate <= 1.
  Dropout(const DropoutOptions& options, Rngs& rngs);
  /// x and the result [...].
  Tensor operator()(const Tensor& x) const;
  /// The same with a key of the caller's, whatever the mode.
  Tensor operator()(const Tensor& x, const RandomKey& key) const;
};

}  // namespace weft
