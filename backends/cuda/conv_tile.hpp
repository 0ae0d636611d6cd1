#pragma once

#include <weft/backends/cuda/four.hpp>

// What the tiled kernels of convolutions share: a block of 256 threads computes 64 rows and 64 or 16 columns of a
// matrix product, in slices of depth 16 that go through shared memory. Each thread fetches four neighbours of either
// factor.

namespace weft::cuda {

constexpr int conv_side = 16;  ///< threads along the rows and along the columns of a tile
constexpr int conv_threads = conv_side * conv_side;
constexpr int conv_depth = 16;
constexpr int conv_rows = 4 * conv_side;

/// Four values of a factor on their way into a slice.
template <class C> struct FourHeld {
  C values[4] = {};
};

/// The four values at `from`, at once where `aligned` says that this may be.
template <class C, class T> WEFT_DEVICE FourHeld<C> read_four(const T* from, bool aligned) {
  FourHeld<C> held;
  if (aligned) {
    const Four<T> read = four_at(from);
    for (int j = 0; j < 4; ++j) held.values[j] = static_cast<C>(read.values[j]);
  } else {
    for (int j = 0; j < 4; ++j) held.values[j] = static_cast<C>(from[j]);
  }
  return held;
}

/// A tile of which each thread has 4 rows and `each` columns.
template <class C, int each> class ConvTile {
 public:
  static constexpr int columns = each * conv_side;
  static constexpr int row_pitch = conv_rows + 4, column_pitch = columns + 4;  ///< against bank conflicts
  static constexpr size_t shared_bytes = sizeof(C) * conv_depth * (row_pitch + column_pitch);

  WEFT_DEVICE explicit ConvTile(const Thread& thread)
      : left_(thread.template shared<C>(0, conv_depth * row_pitch)),
        right_(thread.template shared<C>(sizeof(C) * conv_depth * row_pitch, conv_depth * column_pitch)),
        row_(thread.index() / conv_side),
        column_(thread.index() % conv_side) {}

  /// Puts values into the slices: neighbours along the depth, or along the rows or columns.
  WEFT_DEVICE void put_row(int depth, int row, const FourHeld<C>& held, bool along_depth) const {
    for (int j = 0; j < 4; ++j)
      left_[along_depth ? (depth + j) * row_pitch + row : depth * row_pitch + row + j] = held.values[j];
  }
  WEFT_DEVICE void put_column(int depth, int column, const FourHeld<C>& held, bool along_depth) const {
    for (int j = 0; j < 4; ++j)
      right_[along_depth ? (depth + j) * column_pitch + column : depth * column_pitch + column + j] = held.values[j];
  }

  /// Adds the product of the two slices.
  WEFT_DEVICE void multiply() {
    for (int depth = 0; depth < conv_depth; ++depth) {
      C left[4], right[each];
      for (int i = 0; i < 4; ++i) left[i] = left_[depth * row_pitch + row_ * 4 + i];
      for (int j = 0; j < each; ++j) right[j] = right_[depth * column_pitch + column_ * each + j];
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < each; ++j) sums_[i][j] += left[i] * right[j];
    }
  }

  /// Calls f(row, column, sum) for this thread's part of the tile.
  template <class F> WEFT_DEVICE void for_each(const F& f) const {
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < each; ++j) f(row_ * 4 + i, column_ * each + j, sums_[i][j]);
  }

 private:
  Shared<C> left_, right_;
  int row_, column_;
  C sums_[4][each] = {};
};

}  // namespace weft::cuda
