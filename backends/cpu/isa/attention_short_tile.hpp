#pragma once

// Attention of short sequences: the scores of all keys and of one register of queries (a "group", a query per lane) lie
// in the first-level cache as [key][lane], and what is read of the tensors is read in place.

#include <weft/backends/cpu/isa/attention_block.hpp>

namespace weft::cpu {

/// Products of up to `tallest` rows by one register of columns, all accumulators in registers.
template <class T, class Arch> struct ShortTile {
  using V = Vec<T, Arch>;
  static constexpr int tallest = 12;

  /// C[R, columns] = (add ? C : 0) + A[R, depth] B[depth, columns] * factor[R], columns at most a register.
  struct Product {
    int64_t depth;
    const T* a;
    const T* b;
    int64_t b_row;
    T* c;
    int64_t c_row;
    int columns;
    bool add;
    const T* factor;  // null: 1
  };
  /// C[R][lane] = A[R, depth] B[depth][lane], -inf where `seen` (a row's bits of lanes; null: all) says so.
  struct Scores {
    int64_t depth;
    const T* a;
    int64_t a_row;
    const T* b;
    T* c;
    const uint64_t* seen;
    int64_t lane;  // the first lane's bit
  };
  /// How the rows of A lie: [R][V::size], or as the columns of [depth][V::size].
  enum Side { by_row, by_column };

  template <int R, bool whole>
  static WEFT_SIMD_INLINE void multiply(V (&acc)[R], int64_t depth, const T* a0, int64_t a_row, int64_t a_col,
                                        const T* b, int64_t b_row, int columns) {
    // A row in every three has a pointer; the others are one or two strides from it.
    constexpr int groups = (R + 2) / 3;
    const T* a[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) a[g] = a0 + 3 * g * a_row;
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) acc[r] = V(T(0));
    for (int64_t k = depth; k > 0; --k) {
      const V row = whole ? V::load(b) : V::load(b, columns);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) acc[r] = fma(V(a[r / 3][(r % 3) * a_row]), row, acc[r]);
      b += b_row;
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) a[g] += a_col;
    }
  }

  template <int R, Side side, bool whole> static void product(const Product& p) {
    V acc[R];
    multiply<R, whole>(acc, p.depth, p.a, side == by_row ? V::size : 1, side == by_row ? 1 : V::size, p.b, p.b_row,
                       p.columns);
    if (p.factor) {
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) acc[r] *= V(p.factor[r]);
    }
    T* c = p.c;
    if (p.add) {
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) acc[r] += whole ? V::load(c + r * p.c_row) : V::load(c + r * p.c_row, p.columns);
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r, c += p.c_row) {
      if constexpr (whole) acc[r].store(c);
      else acc[r].store(c, p.columns);
    }
  }

  template <int R> static WEFT_SIMD_INLINE void scores_of(V (&acc)[R], const Scores& s) {
    multiply<R, true>(acc, s.depth, s.a, s.a_row, 1, s.b, V::size, 0);
    if (s.seen) {
      const V hidden(-static_cast<T>(__builtin_inf()));
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) acc[r] = select(lane_mask<T, Arch>(s.seen[r] >> s.lane), acc[r], hidden);
    }
  }

  /// Stores the scores and returns each lane's largest, `top` included.
  template <int R> static V scores(const Scores& s, V top) {
    V acc[R];
    scores_of<R>(acc, s);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      acc[r].store(s.c + r * V::size);
      top = max(top, acc[r]);
    }
    return top;
  }

  /// Stores 2^(scores - from).
  template <int R> static V weights(const Scores& s, V from) {
    V acc[R];
    scores_of<R>(acc, s);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) exp2_nonpositive(acc[r] - from).store(s.c + r * V::size);
    return from;
  }

  /// Stores the scores, 0 where not `seen`, and returns sum + the sum of weights * scores, by lane.
  template <int R> static V weighted(const Scores& s, const T* weights, V sum) {
    V acc[R];
    multiply<R, true>(acc, s.depth, s.a, s.a_row, 1, s.b, V::size, 0);
    if (s.seen) {
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) acc[r] = select(lane_mask<T, Arch>(s.seen[r] >> s.lane), acc[r], V(T(0)));
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      acc[r].store(s.c + r * V::size);
      sum = fma(V::load(weights + r * V::size), acc[r], sum);
    }
    return sum;
  }
};

template <class T, class Arch> struct ShortTileTable {
  using Tile = ShortTile<T, Arch>;
  using V = Vec<T, Arch>;
  V (*scores[Tile::tallest + 1])(const typename Tile::Scores&, V);
  V (*weights[Tile::tallest + 1])(const typename Tile::Scores&, V);
  V (*weighted[Tile::tallest + 1])(const typename Tile::Scores&, const T*, V);
  void (*products[2][2][Tile::tallest + 1])(const typename Tile::Product&);

  template <int R> constexpr void fill() {
    scores[R] = &Tile::template scores<R>;
    weights[R] = &Tile::template weights<R>;
    weighted[R] = &Tile::template weighted<R>;
    products[Tile::by_row][0][R] = &Tile::template product<R, Tile::by_row, false>;
    products[Tile::by_row][1][R] = &Tile::template product<R, Tile::by_row, true>;
    products[Tile::by_column][0][R] = &Tile::template product<R, Tile::by_column, false>;
    products[Tile::by_column][1][R] = &Tile::template product<R, Tile::by_column, true>;
    if constexpr (R < Tile::tallest) fill<R + 1>();
  }
  constexpr ShortTileTable() : scores{}, weights{}, weighted{}, products{} { fill<1>(); }
};

/// What forward and backward of short sequences share.
template <class T, class Arch> struct ShortTools {
  using Tools = AttentionTools<T, Arch>;
  using Tile = ShortTile<T, Arch>;
  using V = Vec<T, Arch>;
  static constexpr ShortTileTable<T, Arch> table{};
  static constexpr int64_t most_rows = 128;

  /// Multiply-adds up to which this path is faster than the common one, whose tiles are wider.
  static constexpr int64_t most_work = (AttentionTile<T, Arch>::many_registers ? 4096 : 1024) * V::size;

  /// Whether short sequences' path serves the call: so it does for all of it or for none.
  static bool serves(const AttentionArgs<T>& a) {
    return a.columns() > 0 && a.columns() <= most_rows &&
           a.query_length * a.columns() * (a.head_dim + a.value_dim) <= most_work && !a.bias.data && !a.weights &&
           a.soft_cap <= 0 && a.fully_masked == FullyMasked::zero;
  }

  /// Calls f(first, count) for tiles of nearly equal height that make up [0, rows).
  template <class F> static WEFT_SIMD_INLINE void for_tiles(int64_t rows, F&& f) {
    const int64_t tiles = (rows + Tile::tallest - 1) / Tile::tallest;
    for (int64_t t = 0, r = 0; t < tiles; ++t) {
      const int64_t count = (rows - r + tiles - t - 1) / (tiles - t);
      f(r, count);
      r += count;
    }
  }

  /// C[rows, columns] from `rows` rows of A.
  template <typename Tile::Side side> static void product(typename Tile::Product& p, int64_t rows, int64_t columns) {
    const T *const a = p.a, *const b = p.b, *const factor = p.factor;
    T* const c = p.c;
    for (int64_t d = 0; d < columns; d += V::size) {
      p.columns = static_cast<int>(Tools::least(V::size, columns - d));
      p.b = b + d;
      for_tiles(rows, [&](int64_t r, int64_t count) {
        p.a = a + r * (side == Tile::by_row ? V::size : 1);
        p.c = c + r * p.c_row + d;
        if (factor) p.factor = factor + r;
        table.products[side][p.columns == V::size][count](p);
      });
    }
  }

  /// Rows of keys and values, the null slot's first: the tensors' own, or copies without gaps, which are read faster.
  struct Keys {
    const T* key = nullptr;
    int64_t key_row = 0;
    const T* value = nullptr;
    int64_t value_row = 0;
  };
  static bool copies(const AttentionArgs<T>& a) { return a.null_key; }
  static int64_t copied_elements(const AttentionArgs<T>& a) {
    return copies(a) ? a.columns() * (Tools::padded(a.head_dim) + Tools::padded(a.value_dim)) : 0;
  }
  static Keys keys_of(const AttentionArgs<T>& a, int64_t batch, int64_t kv_head, T* room) {
    Keys keys{nullptr, a.key.length, nullptr, a.value.length};
    if (a.key_length > 0) {
      keys.key = Tools::row_of(a.key, batch, 0, kv_head);
      keys.value = Tools::row_of(a.value, batch, 0, kv_head);
    }
    if (!copies(a)) return keys;
    auto copy = [&](const T* null, const T* rows, int64_t stride, int64_t columns, int64_t wide) {
      T* to = room;
      if (a.null_key) Tools::pack_rows(null + kv_head * columns, 0, 1, columns, T(1), to, nullptr), to += wide;
      Tools::pack_rows(rows, stride, a.key_length, columns, T(1), to, nullptr);
      const T* copied = room;
      room += a.columns() * wide;
      return copied;
    };
    const int64_t key_row = Tools::padded(a.head_dim), value_row = Tools::padded(a.value_dim);
    const T* key = copy(a.null_key, keys.key, keys.key_row, a.head_dim, key_row);
    const T* value = copy(a.null_value, keys.value, keys.value_row, a.value_dim, value_row);
    return {key, key_row, value, value_row};
  }

  /// One register of queries of a head, [first, first + count) of a block, and the rows [begin, begin + rows) of Keys
  /// that some of them may see.
  struct Group {
    int64_t first, count, begin, rows;
    const uint64_t* seen;  // [row]; null: every query sees every row

    static WEFT_SIMD_INLINE Group make(const QueryBlock<T, Arch>& q, int64_t first, uint64_t* seen) {
      const int64_t null = q.a.null_key ? 1 : 0;
      int64_t begin = 0, end = q.a.key_length;
      q.keys_of(0, first, Tools::least(V::size, q.count - first), begin, end);
      if (null) begin = 0;
      Group g{first, Tools::least(V::size, q.count - first), begin, Tools::least(end, q.keys) - begin, nullptr};
      const Seen sees = g.rows > 0 ? q.see(g.begin, g.rows, seen + null) : Seen::none;
      if (sees == Seen::none) g.rows = 0;
      if (sees == Seen::some) g.seen = seen;
      if (null) seen[0] = ~uint64_t{0};
      g.rows += null;
      return g;
    }
  };
  /// Dropout's bits of all rows of Keys for a block of queries.
  static void keep(const QueryBlock<T, Arch>& q, uint64_t* kept) {
    const int64_t null = q.a.null_key ? 1 : 0;
    q.keep(0, q.a.key_length, kept + null);
    if (null) q.keep(q.a.key_length, 1, kept);
  }

  /// 0 * NaN is NaN: rows that are not finite are left out of a product, and added where a weight is not 0.
  struct Apart {
    const T* rows;
    int64_t stride, count, columns;
    bool marks[most_rows];

    static int64_t elements(const AttentionArgs<T>& a) {
      return a.columns() * Tools::most(Tools::padded(a.head_dim), Tools::padded(a.value_dim));
    }
    /// Whether there are such rows; then `b` are the others, in `room`.
    bool find(const T*& b, int64_t& b_row, int64_t rows_count, int64_t row_columns, T* room) {
      rows = b, stride = b_row, count = rows_count, columns = row_columns;
      if (!Tools::find_infinite(rows, stride, count, columns, marks)) return false;
      Tools::pack_rows(rows, stride, count, columns, T(1), room, marks);
      b = room;
      b_row = Tools::padded(columns);
      return true;
    }
    /// to[lane] += weights[row][lane] * factor[lane] * row; `factor` null: 1
    void add(const T* weights, const T* factor, int64_t lanes, T* to, int64_t to_row) const {
      for (int64_t j = 0; j < count; ++j)
        for (int64_t l = 0; marks[j] && l < lanes; ++l) {
          const T weight = weights[j * V::size + l];
          for (int64_t d = 0; weight != 0 && d < columns; ++d)
            to[l * to_row + d] += weight * (factor ? factor[l] : T(1)) * rows[j * stride + d];
        }
    }
  };

  static void clear_rows(T* to, int64_t stride, int64_t count, int64_t columns) {
    for (int64_t i = 0; i < count; ++i, to += stride) {
      int64_t d = 0;
      for (; d + V::size <= columns; d += V::size) V(T(0)).store(to + d);
      if (d < columns) V(T(0)).store(to + d, static_cast<int>(columns - d));
    }
  }
};

}  // namespace weft::cpu
