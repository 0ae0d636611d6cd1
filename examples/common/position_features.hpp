#pragma once

#include <weft/core/tensor.hpp>

namespace weft::examples {

/// Sines and cosines of 1, 2, 4 and 8 half turns across a grid, and with `coordinates` y, y^2, x and x^2 in [-1, 1]:
/// [rows, columns, 16 or 20].
Tensor position_features(int64_t rows, int64_t columns, bool coordinates = false);

}  // namespace weft::examples
