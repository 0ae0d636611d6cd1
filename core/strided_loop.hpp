#pragma once

#include <array>

#include <weft/core/shape.hpp>

namespace weft {

/// Walks N arrays of one shape with strides of their own, in row-major order, a row at a time: calls
/// `row(count, offsets, steps)`, all in elements. Axes that run on without a gap in every array are merged first, so
/// contiguous arrays make one call.
template <size_t N, class Row> void strided_rows(const Shape& shape, const std::array<Strides, N>& strides, Row&& row) {
  Shape extents;
  std::array<Strides, N> steps;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 0) return;
    if (shape[axis] == 1) continue;
    bool merges = extents.rank() > 0;
    for (size_t i = 0; merges && i < N; ++i) merges = steps[i].back() == strides[i][axis] * shape[axis];
    if (merges) {
      extents[extents.rank() - 1] *= shape[axis];
      for (size_t i = 0; i < N; ++i) steps[i][steps[i].rank() - 1] = strides[i][axis];
    } else {
      extents.push_back(shape[axis]);
      for (size_t i = 0; i < N; ++i) steps[i].push_back(strides[i][axis]);
    }
  }
  std::array<int64_t, N> at{}, last{};
  int outer = extents.rank() - 1;
  if (outer < 0) {
    row(int64_t{1}, at, last);
    return;
  }
  for (size_t i = 0; i < N; ++i) last[i] = steps[i][outer];
  Shape index = Shape::filled(outer, 0);
  while (true) {
    row(extents[outer], at, last);
    int axis = outer - 1;
    for (; axis >= 0; --axis) {
      for (size_t i = 0; i < N; ++i) at[i] += steps[i][axis];
      if (++index[axis] < extents[axis]) break;
      for (size_t i = 0; i < N; ++i) at[i] -= steps[i][axis] * extents[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

}  // namespace weft
