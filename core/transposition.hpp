#pragma once

#include <weft/core/tensor.hpp>

namespace weft {

/// A copy in which the target runs along axis `inner` and the source along axis `outer`, as after a transpose; worth
/// square tiles, so that both are read and written in whole cache lines.
struct Transposition {
  int outer = -1, inner = -1;

  Transposition(const Tensor& source, const Tensor& target) {
    const Shape& shape = target.shape();
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] < 4) continue;
      if (target.strides()[axis] == 1 && source.strides()[axis] != 1) inner = axis;
      if (source.strides()[axis] == 1 && target.strides()[axis] != 1) outer = axis;
    }
  }
  bool found() const { return outer >= 0 && inner >= 0; }
};

}  // namespace weft
