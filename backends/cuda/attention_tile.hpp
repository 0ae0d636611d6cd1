#pragma once

#include <cmath>

#include <weft/backends/cuda/attention_data.hpp>
#include <weft/backends/cuda/four.hpp>
#include <weft/backends/cuda/unroll.hpp>

// What the kernels of attention are made of: a block of 16 x 16 threads works on a tile of 16 R x 16 R pairs of a query
// and a key, R x R pairs to a thread. Thread (y, x) has the tile's rows R y .. R y + R - 1 and its columns x, x + 16,
// ... The 16 threads of a row are lanes of one warp.

namespace weft::cuda {

constexpr int attention_side = 16, attention_threads = attention_side * attention_side;
/// Features that are in shared memory at a time.
constexpr int attention_slice = 32;

/// Rows of a tile: one for each of its queries or keys.
template <class T> struct RowTile {
  const T* first;
  int64_t stride;
  int count, features;
  bool fours;
};

template <class T>
WEFT_DEVICE RowTile<T> row_tile(const FeatureRows<T>& x, int64_t b, int i, int h, int count, int features) {
  return {x.at(b, i, h), x.rows.length, count, features, x.fours};
}

/// Keys of a tile with their values; or the null slot, column Lk of the weights.
template <class T> struct KeyTile {
  RowTile<T> key, value;
  int first, count;
  bool null_slot;
};

template <class T> WEFT_DEVICE KeyTile<T> key_tile(const AttentionData<T>& a, int64_t b, int kv, int first, int most) {
  const int left = a.key_length - first, count = left < most ? left : most;
  return {row_tile(a.key, b, first, kv, count, a.head_dim), row_tile(a.value, b, first, kv, count, a.value_dim), first,
          count, false};
}

template <class T> WEFT_DEVICE KeyTile<T> null_tile(const AttentionData<T>& a, int kv) {
  return {{a.null_key + kv * a.head_dim, 0, 1, a.head_dim, false},
          {a.null_value + kv * a.value_dim, 0, 1, a.value_dim, false},
          a.key_length,
          1,
          true};
}

/// Neighbours in shared memory, read at once.
template <class C> struct alignas(16) Quad { C values[4]; };
template <class C> struct alignas(2 * sizeof(C)) Pair { C values[2]; };
/// One value for each row of a thread.
template <class C, int R> struct RowValues { C values[R]; };

/// A block's work on one tile after the other, in shared memory: a slice of features of the rows and of the columns,
/// a weight for each pair, and votes.
template <class C, int R> class TileWork {
 public:
  static constexpr int tile = attention_side * R;
  /// From one row of weights to the next; four more than there are, so that they lie in other banks.
  static constexpr int weight_columns = tile + 4;
  static constexpr size_t shared_bytes() { return votes_at + sizeof(uint32_t) * warps; }

  WEFT_DEVICE explicit TileWork(const Thread& thread)
      : thread_(thread), y_(thread.index() / attention_side), x_(thread.index() % attention_side) {}

  WEFT_DEVICE int row(int r) const { return y_ * R + r; }
  WEFT_DEVICE int column(int c) const { return x_ + attention_side * c; }
  WEFT_DEVICE int x() const { return x_; }

  /// sums[r][c] += row r . column c
  template <class T>
  WEFT_DEVICE void add_products(const RowTile<T>& rows, const RowTile<T>& columns, C (&sums)[R][R]) const {
    auto from_rows = thread_.shared<Quad<C>>(0, tile * slice_quads);
    auto from_columns = thread_.shared<Quad<C>>(columns_at, tile * slice_quads);
    for (int first = 0; first < rows.features; first += attention_slice) {
      thread_.sync();  // what was there has been read
      load_slice(0, rows, first);
      load_slice(columns_at, columns, first);
      thread_.sync();
      const int left = rows.features - first, quads = left < attention_slice ? (left + 3) / 4 : attention_slice / 4;
      WEFT_ROLLED for (int i = 0; i < quads; ++i) {  // registers are scarcer than branches
        Quad<C> a[R], b[R];
        WEFT_UNROLL for (int r = 0; r < R; ++r) a[r] = from_rows[row(r) * slice_quads + i];
        WEFT_UNROLL for (int c = 0; c < R; ++c) b[c] = from_columns[column(c) * slice_quads + i];
        WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c)
            WEFT_UNROLL for (int j = 0; j < 4; ++j) sums[r][c] += a[r].values[j] * b[c].values[j];
      }
    }
  }

  /// A weight for each of this thread's pairs, for combine().
  WEFT_DEVICE void set_weights(const C (&weights)[R][R]) const {
    auto to = this->weights();
    thread_.sync();  // those before have been read
    WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c)
        to[row(r) * weight_columns + column(c)] = weights[r][c];
  }

  WEFT_DEVICE Shared<C> weights() const { return thread_.shared<C>(weights_at, tile * weight_columns); }

  /// sums[r][2 p + j] += the weights of row r times feature first + 32 p + 2 x + j of `vectors`, one for each column.
  /// What has weight 0 does not count, even if it is NaN. `weights` are those of set_weights().
  template <class T, int N>
  WEFT_DEVICE void combine(const C (&weights)[R][R], const RowTile<T>& vectors, int first, C (&sums)[R][N]) const {
    // The weights that a warp reads are those that its own lanes have set.
    bool zero = false;
    WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c) zero = zero || weights[r][c] == 0;
    const bool careful = thread_.ballot(zero) != 0;
    WEFT_UNROLL for (int p = 0; p < N / 2; ++p) {
      const int feature = first + attention_slice * p;
      if (feature < vectors.features) {
        thread_.sync();
        load_slice(0, vectors, feature);
        thread_.sync();
        C slice[R][2];
        WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int j = 0; j < 2; ++j) slice[r][j] =
            sums[r][2 * p + j];
        if (careful) combine_slice<true>(vectors.count, slice);
        else combine_slice<false>(vectors.count, slice);
        WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int j = 0; j < 2; ++j) sums[r][2 * p + j] =
            slice[r][j];
      }
    }
  }

  /// Writes what combine() has summed up, times factors[r], to rows of `features` features; `count` rows there are.
  template <class T, int N>
  WEFT_DEVICE void write(const C (&sums)[R][N], const C (&factors)[R], T* to, int64_t stride, int count, int first,
                         int features) const {
    WEFT_UNROLL for (int r = 0; r < R; ++r) {
      if (row(r) >= count) continue;
      WEFT_UNROLL for (int p = 0; p < N / 2; ++p) WEFT_UNROLL for (int j = 0; j < 2; ++j) {
        const int feature = first + attention_slice * p + 2 * x_ + j;
        if (feature < features) to[row(r) * stride + feature] = static_cast<T>(sums[r][2 * p + j] * factors[r]);
      }
    }
  }

  /// Whether any thread of the block says so.
  WEFT_DEVICE bool any(bool mine) const {
    auto votes = thread_.shared<uint32_t>(votes_at, warps);
    const uint32_t bits = thread_.ballot(mine);
    thread_.sync();  // an earlier vote has been read
    if (thread_.lane() == 0) votes[thread_.warp()] = bits;
    thread_.sync();
    uint32_t all = 0;
    for (int warp = 0; warp < warps; ++warp) all |= votes[warp];
    return all != 0;
  }

  /// `combine` of each row's values, over the threads of the row.
  template <class Combine> WEFT_DEVICE RowValues<C, R> over_row(RowValues<C, R> mine, Combine combine) const {
    for (int mask = attention_side / 2; mask > 0; mask /= 2) {
      const RowValues<C, R> other = thread_.shuffle_xor(mine, mask);
      WEFT_UNROLL for (int r = 0; r < R; ++r) mine.values[r] = combine(mine.values[r], other.values[r]);
    }
    return mine;
  }

 private:
  static constexpr int warps = attention_threads / warp_size;
  // One Quad more than a slice holds, so that neighbouring rows lie in other banks.
  static constexpr int slice_quads = attention_slice / 4 + 1, slice_pairs = 2 * slice_quads;
  static constexpr size_t columns_at = sizeof(Quad<C>) * tile * slice_quads, weights_at = 2 * columns_at,
                          votes_at = weights_at + sizeof(C) * tile * weight_columns;

  /// Features first .. first + 31 of all rows; 0 where there are none.
  template <class T> WEFT_DEVICE void load_slice(size_t offset, const RowTile<T>& rows, int first) const {
    constexpr int quads = attention_slice / 4;
    auto to = thread_.shared<Quad<C>>(offset, tile * slice_quads);
    for (int i = thread_.index(); i < tile * quads; i += attention_threads) {
      const int at = i / quads, feature = first + i % quads * 4;
      Quad<C> quad{};
      if (at < rows.count && feature < rows.features) {
        const T* from = rows.first + at * rows.stride + feature;
        if (rows.fours) {
          const Four<T> read = four_at(from);
          for (int j = 0; j < 4; ++j) quad.values[j] = static_cast<C>(read.values[j]);
        } else {
          for (int j = 0; j < 4; ++j)
            if (feature + j < rows.features) quad.values[j] = static_cast<C>(from[j]);
        }
      }
      to[at * slice_quads + i % quads] = quad;
    }
  }

  template <bool careful> WEFT_DEVICE void combine_slice(int count, C (&sums)[R][2]) const {
    auto weights = thread_.shared<Quad<C>>(weights_at, tile * weight_columns / 4);
    auto vectors = thread_.shared<Pair<C>>(0, tile * slice_pairs);
    WEFT_ROLLED for (int i = 0; i < count; i += 4) {
      Quad<C> weight[R];
      WEFT_UNROLL for (int r = 0; r < R; ++r) weight[r] = weights[(row(r) * weight_columns + i) / 4];
      WEFT_UNROLL for (int k = 0; k < 4; ++k) {
        const Pair<C> pair = vectors[(i + k) * slice_pairs + x_];
        WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int j = 0; j < 2; ++j) {
          const C w = weight[r].values[k];
          if (!careful || w != 0) sums[r][j] += w * pair.values[j];
        }
      }
    }
  }

  const Thread& thread_;
  int y_, x_;
};

/// A tile's queries, of one head: its rows, or its columns if the keys are the rows.
template <class T> struct QueryTile {
  const AttentionHead<T>& head;
  int first, count;

  WEFT_DEVICE QueryTile(const AttentionHead<T>& of, int from, int most)
      : head(of), first(from), count(of.a.query_length - from < most ? of.a.query_length - from : most) {}
  WEFT_DEVICE RowTile<T> rows(const FeatureRows<T>& x, int features) const {
    return row_tile(x, head.b, first, head.h, count, features);
  }
};

/// The query and the column of this thread's pair (r, c).
template <bool keys_are_rows, class T, int R>
WEFT_DEVICE int pair_query(const TileWork<Computed<T>, R>& work, const QueryTile<T>& queries, int r, int c) {
  return queries.first + (keys_are_rows ? work.column(c) : work.row(r));
}
template <bool keys_are_rows, class C, int R> WEFT_DEVICE int pair_key(const TileWork<C, R>& work, int r, int c) {
  return keys_are_rows ? work.row(r) : work.column(c);
}

// Decisions about a thread's pairs are bits, bit r * R + c for each, so that loops over them need no registers.

/// The query sees the key.
template <bool keys_are_rows, class T, int R>
WEFT_DEVICE uint32_t seen_pairs(const TileWork<Computed<T>, R>& work, const QueryTile<T>& queries,
                                const KeyTile<T>& keys) {
  uint32_t bits = 0;
  WEFT_ROLLED for (int i = 0; i < R * R; ++i) {
    const int q = pair_query<keys_are_rows>(work, queries, i / R, i % R),
              k = pair_key<keys_are_rows>(work, i / R, i % R);
    const bool sees =
        q < queries.head.query_end && k < keys.count && (keys.null_slot || queries.head.sees(q, keys.first + k));
    bits |= static_cast<uint32_t>(sees) << i;
  }
  return bits;
}

/// Dropout leaves the weight. Asked only of the pairs in `of`.
template <bool keys_are_rows, class T, int R>
WEFT_DEVICE uint32_t kept_pairs(const TileWork<Computed<T>, R>& work, const QueryTile<T>& queries,
                                const KeyTile<T>& keys, uint32_t of) {
  const int32_t* words = queries.head.a.dropout_key;
  if (!words) return of;
  const RandomKey key = key_from_words(words);
  uint32_t bits = 0;
  WEFT_ROLLED for (int i = 0; i < R * R; ++i) {
    if (!(of >> i & 1)) continue;
    const int q = pair_query<keys_are_rows>(work, queries, i / R, i % R);
    const bool keeps = queries.head.keeps(key, q, keys.first + pair_key<keys_are_rows>(work, i / R, i % R));
    bits |= static_cast<uint32_t>(keeps) << i;
  }
  return bits;
}

}  // namespace weft::cuda
