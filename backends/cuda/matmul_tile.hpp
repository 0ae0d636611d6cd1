#pragma once

#include <weft/backends/cuda/matmul_epilogue.hpp>
#include <weft/backends/cuda/unroll.hpp>

// The product of matrices in tiles: a block computes a tile of the result, for which it takes slices of a and b through
// shared memory; while it multiplies one slice, each thread already holds its share of the next in registers.

namespace weft::cuda {

constexpr int tile_depth = 16;  ///< how much of k a slice holds
constexpr int tile_side = 16;   ///< threads along the rows and along the columns of a tile
constexpr int tile_threads = tile_side * tile_side;

/// A factor as its tiles see it: `outer` is the axis of m or n.
template <class T> struct TileSource {
  const T* data;
  int64_t outer_stride, k_stride, outer_size;
  bool along_k;  ///< neighbours along k lie side by side; else those along the other axis, if any
  bool fours;    ///< they may be read by four

  TileSource(const Matrix& matrix, bool rows_are_outer, const Walk<2>& batch, int which)
      : data(static_cast<const T*>(matrix.data)),
        outer_stride(rows_are_outer ? matrix.row_stride : matrix.column_stride),
        k_stride(rows_are_outer ? matrix.column_stride : matrix.row_stride),
        outer_size(rows_are_outer ? matrix.rows : matrix.columns),
        along_k(k_stride == 1) {
    fours = (along_k || outer_stride == 1) && (along_k ? outer_stride : k_stride) % 4 == 0 &&
            reinterpret_cast<uintptr_t>(data) % sizeof(Four<T>) == 0;
    for (int axis = 0; axis < batch.axes; ++axis) fours = fours && batch.steps[which][axis] % 4 == 0;
  }
};

/// A thread's share of one factor's slice for a tile of `extent` rows or columns.
template <class T, int extent> class TileShare {
 public:
  static constexpr int pitch = extent + 4;  ///< of a slice in shared memory, against bank conflicts
  static constexpr int slice_size = tile_depth * pitch;

  /// Takes the values from (first_outer, first_k) on; those from end_k and from the matrix's edge on are 0.
  WEFT_DEVICE void fetch(const TileSource<T>& from, const T* data, int thread, int64_t first_outer, int64_t first_k,
                         int64_t end_k) {
    WEFT_UNROLL
    for (int f = 0; f < each; ++f) {
      const Place at = place(from.along_k, f, thread);
      if (fours % tile_threads != 0 && f * tile_threads + thread >= fours) return;
      const int64_t o = first_outer + at.outer, k = first_k + at.k;
      const T* first = data + o * from.outer_stride + k * from.k_stride;
      const int64_t last_o = from.along_k ? o : o + 3, last_k = from.along_k ? k + 3 : k;
      if (from.fours && last_o < from.outer_size && last_k < end_k) {
        const Four<T> read = four_at(first);
        WEFT_UNROLL
        for (int j = 0; j < 4; ++j) held_[f][j] = static_cast<Factor<T>>(read.values[j]);
      } else {
        const int64_t step = from.along_k ? from.k_stride : from.outer_stride;
        WEFT_UNROLL
        for (int j = 0; j < 4; ++j) {
          const bool inside =
              from.along_k ? o < from.outer_size && k + j < end_k : o + j < from.outer_size && k < end_k;
          held_[f][j] = inside ? static_cast<Factor<T>>(first[j * step]) : Factor<T>(0);
        }
      }
    }
  }

  /// Puts them into the slice [depth, extent].
  WEFT_DEVICE void store(const Shared<Factor<T>>& slice, bool along_k, int thread) const {
    WEFT_UNROLL
    for (int f = 0; f < each; ++f) {
      const Place at = place(along_k, f, thread);
      if (fours % tile_threads != 0 && f * tile_threads + thread >= fours) return;
      WEFT_UNROLL
      for (int j = 0; j < 4; ++j)
        slice[along_k ? (at.k + j) * pitch + at.outer : at.k * pitch + at.outer + j] = held_[f][j];
    }
  }

 private:
  struct Place {
    int outer, k;
  };
  static constexpr int fours = extent * tile_depth / 4;
  static constexpr int each = (fours + tile_threads - 1) / tile_threads;

  /// Of the f-th Four of a thread: neighbouring threads take neighbours in memory.
  WEFT_DEVICE static Place place(bool along_k, int f, int thread) {
    const int four = f * tile_threads + thread;
    if (along_k) return {four / (tile_depth / 4), four % (tile_depth / 4) * 4};
    return {four % (extent / 4) * 4, four / (extent / 4)};
  }

  Factor<T> held_[each][4];
};

/// Each thread has `rows` x `columns` of the tile, in groups of up to four neighbours.
template <class T, int rows, int columns> struct TiledProduct {
  static constexpr int tile_rows = tile_side * rows, tile_columns = tile_side * columns;
  using ShareA = TileShare<T, tile_rows>;
  using ShareB = TileShare<T, tile_columns>;
  static constexpr size_t shared_bytes = sizeof(Factor<T>) * (ShareA::slice_size + ShareB::slice_size);

  TileSource<T> a, b;
  Walk<2> batch;
  int64_t batches, m, n, k, row_tiles, column_tiles;
  int64_t splits, split_depth;  ///< k in parts, a multiple of the slice's depth each
  Factor<T>* parts;             ///< [splits, batches, m, n]: where sums go when there are several splits
  Epilogue<T> epilogue;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t tiles = row_tiles * column_tiles * batches * splits;
    for (int64_t tile = thread.block(); tile < tiles; tile += thread.blocks()) {
      const Divided column = divided(tile, column_tiles), row = divided(column.whole, row_tiles),
                    which = divided(row.whole, batches);
      compute(thread, row.rest * tile_rows, column.rest * tile_columns, which.rest, which.whole);
    }
  }

 private:
  template <int count> WEFT_DEVICE static constexpr int grouped() { return count < 4 ? count : 4; }
  /// Where in the tile the i-th of `count` rows or columns of a thread lies.
  template <int count> WEFT_DEVICE static int within(int i, int thread) {
    constexpr int group = grouped<count>();
    return i / group * (tile_side * group) + thread * group + i % group;
  }

  WEFT_DEVICE void compute(const Thread& thread, int64_t first_row, int64_t first_column, int64_t matrix,
                           int64_t split) const {
    const int me = thread.index(), my_row = me / tile_side, my_column = me % tile_side;
    const int64_t begin = split * split_depth, end = begin + split_depth < k ? begin + split_depth : k;
    const Walk<2>::Places places = batch.places(matrix);
    const T *a_data = a.data + places.at[0], *b_data = b.data + places.at[1];
    auto a_slice = thread.template shared<Factor<T>>(0, ShareA::slice_size);
    auto b_slice = thread.template shared<Factor<T>>(sizeof(Factor<T>) * ShareA::slice_size, ShareB::slice_size);

    Factor<T> sums[rows][columns] = {};
    ShareA a_share;
    ShareB b_share;
    a_share.fetch(a, a_data, me, first_row, begin, end);
    b_share.fetch(b, b_data, me, first_column, begin, end);
    for (int64_t at = begin; at < end; at += tile_depth) {
      a_share.store(a_slice, a.along_k, me);
      b_share.store(b_slice, b.along_k, me);
      thread.sync();
      if (at + tile_depth < end) {
        a_share.fetch(a, a_data, me, first_row, at + tile_depth, end);
        b_share.fetch(b, b_data, me, first_column, at + tile_depth, end);
      }
      WEFT_UNROLL
      for (int depth = 0; depth < tile_depth; ++depth) {
        Factor<T> left[rows], right[columns];
        WEFT_UNROLL
        for (int i = 0; i < rows; ++i) left[i] = a_slice[depth * ShareA::pitch + within<rows>(i, my_row)];
        WEFT_UNROLL
        for (int j = 0; j < columns; ++j) right[j] = b_slice[depth * ShareB::pitch + within<columns>(j, my_column)];
        WEFT_UNROLL
        for (int i = 0; i < rows; ++i) {
          WEFT_UNROLL
          for (int j = 0; j < columns; ++j) sums[i][j] += left[i] * right[j];
        }
      }
      thread.sync();
    }

    // What follows is too long to be written out for each sum, so that they go through an array with an index.
    Factor<T> results[rows * columns];
    WEFT_UNROLL
    for (int i = 0; i < rows; ++i) {
      WEFT_UNROLL
      for (int j = 0; j < columns; ++j) results[i * columns + j] = sums[i][j];
    }
    constexpr int group = grouped<columns>();
    WEFT_ROLLED
    for (int i = 0; i < rows * columns; i += group) {
      const int64_t row = first_row + within<rows>(i / columns, my_row);
      const int64_t column = first_column + within<columns>(i % columns, my_column);
      if (row < m) write((matrix * m + row) * n + column, column, split, results + i);
    }
  }

  WEFT_DEVICE void write(int64_t at, int64_t column, int64_t split, const Factor<T>* sums) const {
    constexpr int group = grouped<columns>();
    if (splits == 1 && group == 4 && epilogue.fours && column + 3 < n) return epilogue.four(at, column, sums);
    for (int j = 0; j < group && column + j < n; ++j) {
      if (splits == 1) epilogue.one(at + j, column + j, sums[j]);
      else parts[split * batches * m * n + at + j] = sums[j];
    }
  }
};

}  // namespace weft::cuda
