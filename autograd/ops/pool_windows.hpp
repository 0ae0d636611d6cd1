#pragma once

#include <cstdint>

#include <weft/autograd/ops/pool.hpp>
#include <weft/core/divided.hpp>

namespace weft {

/// Places [begin, end) along three axes of a row-major array.
struct PoolBox {
  int64_t begin[3], end[3];
  int64_t extents[3];  ///< of the array

  WEFT_HOST_DEVICE int64_t flat(int64_t i, int64_t j, int64_t k) const { return (i * extents[1] + j) * extents[2] + k; }
};

/// The geometry with three space axes, those in front of extent 1 where there are fewer, and the sizes of x [N,
/// space..., features] and y [N, positions..., features].
struct Pool3 {
  Pool3(const PoolGeometry& g, const Shape& x, const Shape& y) : batch(x[0]), features(x.back()) {
    const int axes = g.window.rank();
    for (int axis = 0; axis < axes; ++axis) {
      const int at = axis + 3 - axes;
      space[at] = x[axis + 1];
      positions[at] = y[axis + 1];
      window[at] = g.window[axis];
      stride[at] = g.strides[axis];
      low[at] = g.low[axis];
    }
  }

  WEFT_HOST_DEVICE int64_t space_size() const { return space[0] * space[1] * space[2]; }
  WEFT_HOST_DEVICE int64_t position_count() const { return positions[0] * positions[1] * positions[2]; }

  /// The places in space of the window at a flat position, without padding.
  WEFT_HOST_DEVICE PoolBox window_at(int64_t position) const {
    const Divided line = divided(position, positions[2]), plane = divided(line.whole, positions[1]);
    const int64_t at[3] = {plane.whole, plane.rest, line.rest};
    PoolBox box{};
    for (int axis = 0; axis < 3; ++axis) {
      const int64_t start = at[axis] * stride[axis] - low[axis], end = start + window[axis];
      box.begin[axis] = start > 0 ? start : 0;
      box.end[axis] = end < space[axis] ? end : space[axis];
      box.extents[axis] = space[axis];
    }
    return box;
  }

  /// The positions of all windows that the element at a flat place in space belongs to.
  WEFT_HOST_DEVICE PoolBox windows_of(int64_t place) const {
    const Divided line = divided(place, space[2]), plane = divided(line.whole, space[1]);
    const int64_t at[3] = {plane.whole, plane.rest, line.rest};
    PoolBox box{};
    for (int axis = 0; axis < 3; ++axis) {
      const int64_t behind = at[axis] + low[axis];  // from the first window's start
      const int64_t end = divided(behind, stride[axis]).whole + 1;
      box.begin[axis] = behind < window[axis] ? 0 : divided(behind - window[axis], stride[axis]).whole + 1;
      box.end[axis] = end < positions[axis] ? end : positions[axis];
      box.extents[axis] = positions[axis];
    }
    return box;
  }

  int64_t window_size() const { return window[0] * window[1] * window[2]; }
  /// The most windows that one element belongs to.
  int64_t overlap() const {
    int64_t windows = 1;
    for (int axis = 0; axis < 3; ++axis) windows *= (window[axis] - 1) / stride[axis] + 1;
    return windows;
  }

  int64_t batch, features;
  int64_t space[3] = {1, 1, 1}, positions[3] = {1, 1, 1}, window[3] = {1, 1, 1}, stride[3] = {1, 1, 1},
          low[3] = {0, 0, 0};
};

}  // namespace weft
