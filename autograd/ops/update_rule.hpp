#pragma once

#include <cstdint>

namespace weft::op {

/// How a gradient g becomes a direction u. `a` and `b` are the states, b1 ... eps_root the numbers of Direction, t
/// counts steps from 1.
enum class UpdateRule : uint8_t {
  plain,     ///< u = g
  trace,     ///< a <- g + b1 a; u = a, or with nesterov g + b1 a
  mean,      ///< a <- b1 a + (1-b1) g; u = a, or with debias a / (1-b1^t)
  adam,      ///< a <- b1 a + (1-b1) g; b <- b2 b + (1-b2) g^2; u = a/(1-b1^t) / (sqrt(b/(1-b2^t) + eps_root) + eps)
  lion,      ///< u = sign(b1 a + (1-b1) g); a <- b2 a + (1-b2) g
  rms,       ///< a <- b1 a + (1-b1) g^2; u = g / sqrt(a + eps), or without eps_in_root g / (sqrt(a) + eps)
  centered,  ///< the same with a - b^2 for a under the root, where b <- b1 b + (1-b1) g
  adagrad,   ///< a <- a + g^2; u = g / sqrt(a + eps)
};

}  // namespace weft::op
