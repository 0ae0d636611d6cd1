#pragma once

#include <weft/autograd/primitive.hpp>

namespace weft {

// Inputs for the samples of primitives.

/// float64 numbers spread evenly and without pattern over (low, high): a Weyl sequence, another one for each `salt`.
Tensor spread(const Shape& shape, double low, double high, int salt = 0);
/// Such numbers truncated to integers of that dtype.
Tensor spread_integers(const Shape& shape, int64_t low, int64_t high, DType dtype, int salt = 0);
/// About half of them true.
Tensor spread_booleans(const Shape& shape, int salt = 0);

}  // namespace weft
