#pragma once

#include <array>

#include <weft/backends/cuda/index_math.hpp>
#include <weft/core/strided_loop.hpp>
#include <weft/core/tensor.hpp>

namespace weft::cuda {

/// Where element i of a result, in row-major order, finds its N inputs, which broadcast to it and may have any strides.
/// Axes that run on without a gap are merged, so contiguous inputs have one axis at most.
template <int N> struct Walk {
  static constexpr int most_axes = 8;
  int axes = 0;
  int64_t extents[most_axes] = {};
  int64_t steps[N][most_axes] = {};  ///< in elements

  struct Places {
    int64_t at[N] = {};
  };

  /// In elements, from each input's first.
  WEFT_DEVICE Places places(int64_t i) const {
    Places result;
    for (int axis = axes - 1; axis > 0; --axis) {
      const Divided parts = divided(i, extents[axis]);
      for (int n = 0; n < N; ++n) result.at[n] += parts.rest * steps[n][axis];
      i = parts.whole;
    }
    if (axes > 0)
      for (int n = 0; n < N; ++n) result.at[n] += i * steps[n][0];
    return result;
  }

  /// Whether each input is one value, or lies in memory as the result does.
  bool is_flat() const {
    if (axes > 1) return false;
    for (int n = 0; n < N; ++n)
      if (axes == 1 && steps[n][0] != 0 && steps[n][0] != 1) return false;
    return true;
  }
};

/// The strides with which x is read for a result of `shape`, to which it broadcasts; axes are aligned at the right.
inline Strides broadcast_strides(const Tensor& x, const Shape& shape) {
  Strides strides = Strides::filled(shape.rank(), 0);
  const int missing = shape.rank() - x.rank();
  for (int axis = 0; axis < x.rank(); ++axis)
    if (x.shape()[axis] != 1) strides[missing + axis] = x.strides()[axis];
  return strides;
}

/// The walk over a result of `shape` with inputs of `strides`.
template <int N> Walk<N> make_walk(const Shape& shape, const std::array<Strides, static_cast<size_t>(N)>& strides) {
  Walk<N> walk;
  // The result itself is row-major: an axis merges with the one before it where that holds for all inputs, too.
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    bool merges = walk.axes > 0;
    for (int n = 0; merges && n < N; ++n)
      merges = walk.steps[n][walk.axes - 1] == strides[static_cast<size_t>(n)][axis] * shape[axis];
    if (!merges) walk.extents[walk.axes++] = 1;
    walk.extents[walk.axes - 1] *= shape[axis];
    for (int n = 0; n < N; ++n) walk.steps[n][walk.axes - 1] = strides[static_cast<size_t>(n)][axis];
  }
  return walk;
}

}  // namespace weft::cuda
