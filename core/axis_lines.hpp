#pragma once

#include <weft/core/shape.hpp>

namespace weft {

/// A contiguous array as [outer, n, inner] around one axis: outer * inner lines of n elements, `inner` apart.
struct AxisLines {
  int64_t outer, n, inner;
  AxisLines(int64_t outer_extent, int64_t extent, int64_t inner_extent)
      : outer(outer_extent), n(extent), inner(inner_extent) {}
  AxisLines(const Shape& shape, int axis)
      : outer(shape.slice(0, axis).elements()), n(shape[axis]), inner(shape.slice(axis + 1, shape.rank()).elements()) {}

  int64_t count() const { return outer * inner; }
};

}  // namespace weft
