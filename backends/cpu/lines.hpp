#pragma once

#include <cstdint>

#include <weft/core/shape.hpp>

namespace weft::cpu {

/// A contiguous array as [outer, n, inner] around one axis.
struct Lines {
  int64_t outer, n, inner;
  Lines(const Shape& shape, int axis)
      : outer(shape.slice(0, axis).elements()), n(shape[axis]), inner(shape.slice(axis + 1, shape.rank()).elements()) {}
};

/// How many of `lines` pieces of `cost` elements make a task.
inline int64_t lines_per_task(int64_t cost) { return cost >= 16384 ? 1 : 16384 / (cost > 0 ? cost : 1); }

}  // namespace weft::cpu
