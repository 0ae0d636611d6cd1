#pragma once

// Products of matrices in registers, and what attention does with a tile of scores before it leaves them. Throughout, a
// lane is a query of the block, and scores are stored as [key][lane].

#include <weft/backends/cpu/isa/register_tile.hpp>
#include <weft/backends/cpu/isa/simd_math.hpp>

namespace weft::cpu {

/// What becomes of a tile of scores.
enum class ScoreKind {
  plain,        // scores
  exponential,  // 2^(scores - from), their sums by lane added to `total`; false where a score is above `limit`
  weights,      // 2^(scores - from)
  gradient      // weights * (scores - from)
};

/// Rows that are fetched into the cache while tiles are computed, as many for each tile as it has; `data` null: none.
template <class T> struct FetchRows {
  const T* data = nullptr;
  int64_t row = 0, columns = 0, count = int64_t{1} << 40;
};

/// C[n, lanes] from A[n, depth] B[depth, lanes], a piece of at most 64 lanes.
template <class T> struct ScoreCall {
  int64_t depth;
  const T* a;
  int64_t a_row;
  const T* b;
  T* c;
  int64_t lanes;            // of a row of B and C
  T *from, *limit, *total;  // [lane]
  T slack;                  // limit - from
  bool fresh;               // from, limit and total are not yet set: the first tile of each lane sets them
  const T* weights;         // as C
  const uint64_t* seen;     // a row's bits of lanes that count, the others' scores being -inf; null: all
  int64_t lane;             // of the first column
  FetchRows<T> soon, later, next, written;  // for the first-level cache, the second-level one (two), and to be written
};

/// C[m, n] = (accumulate ? C : 0) + A[m, depth] B[depth, n].
template <class T> struct ProductCall {
  int64_t depth;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row;
  T* c;
  int64_t c_row;
  bool accumulate;
  int last;  // columns in the last vector
};

/// Which of the lanes' bits, from bit 0 on, are set.
template <class T, class Arch> WEFT_SIMD_INLINE simd::Mask<T, Arch> lane_mask(uint64_t bits) {
  using Bool = typename simd::Mask<T, Arch>::Batch;
  if constexpr (sizeof(simd::Vec<T, Arch>) == 64) {
    return Bool(static_cast<typename Bool::register_type>(bits));
  } else {
    using Word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    using Words = xsimd::batch<Word, Arch>;
    alignas(64) Word lanes[Words::size];
    for (size_t i = 0; i < Words::size; ++i) lanes[i] = Word{1} << i;
    Words lane = Words::load_aligned(lanes);
    using WordBool = xsimd::batch_bool<Word, Arch>;
    WordBool set = (Words(static_cast<Word>(bits)) & lane) == lane;
    return Bool(__builtin_bit_cast(typename Bool::register_type, static_cast<typename WordBool::register_type>(set)));
  }
}

template <class T, class Arch> struct AttentionTile : RegisterFile<T, Arch> {
  using RegisterFile<T, Arch>::many_registers, RegisterFile<T, Arch>::vectors, RegisterFile<T, Arch>::panel;
  using typename RegisterFile<T, Arch>::V;
  /// Lanes of a tile where few lanes see a key.
  static constexpr int narrow = many_registers ? V::size : 2 * V::size;
  /// The heights of tiles of so many vectors, tallest first. The tallest has as many accumulators as the register file
  /// holds next to the vectors of B and a broadcast of A; what is left of a block is done by lower ones.
  static constexpr int heights = 4;
  static constexpr int rows(int tile_vectors, int height = 0) {
    constexpr int many[4][heights] = {{16, 8, 4, 1}, {12, 4, 2, 1}, {8, 4, 2, 1}, {6, 4, 2, 1}};
    constexpr int few[2][heights] = {{10, 4, 2, 1}, {6, 4, 2, 1}};
    return many_registers ? many[tile_vectors - 1][height] : few[tile_vectors > 1][height];
  }

  template <int R, int write, int locality> static WEFT_SIMD_INLINE void fetch(const FetchRows<T>& rows) {
    constexpr int64_t line = 64 / sizeof(T);
    if (!rows.data) return;
    for (int r = 0; r < R; ++r)
      for (int64_t c = 0; c < rows.columns; c += line)
        __builtin_prefetch(rows.data + r * rows.row + c, write, locality);
  }

  /// False, with plain scores in C, where kind is `exponential` and a score is above the limit.
  template <ScoreKind kind, int R, int NV> static bool score(const ScoreCall<T>& call) {
    fetch<R, 0, 3>(call.soon);
    fetch<R, 0, 2>(call.later);
    fetch<R, 0, 2>(call.next);
    fetch<R, 1, 3>(call.written);
    const int64_t lanes = call.lanes;
    V acc[R][NV];
    clear_tile(acc);
    multiply_add(acc, call.depth, call.a, call.a_row, 1, call.b, lanes);
    if constexpr (kind == ScoreKind::exponential || kind == ScoreKind::weights) {
      if (call.seen) {
        const V hidden(-static_cast<T>(__builtin_inf()));
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
          for (int v = 0; v < NV; ++v)
            acc[r][v] = select(lane_mask<T, Arch>(call.seen[r] >> (call.lane + v * V::size)), acc[r][v], hidden);
      }
    }
    if constexpr (kind == ScoreKind::exponential) {
      simd::Mask<T, Arch> above(false);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) {
        V top = acc[0][v];
#pragma GCC unroll 16
        for (int r = 1; r < R; ++r) top = max(top, acc[r][v]);
        T* limit = call.limit + v * V::size;
        if (call.fresh) {
          // Any finite number will do where there is no finite score.
          const V infinity(static_cast<T>(__builtin_inf()));
          select(abs(top) < infinity, top, V(T(0))).store(call.from + v * V::size);
          (top + V(call.slack)).store(limit);
          V(T(0)).store(call.total + v * V::size);
        } else {
          above = above | (top > V::load(limit));
        }
      }
      if (__builtin_expect(any(above), 0)) {
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
          for (int v = 0; v < NV; ++v) acc[r][v].store(call.c + r * lanes + v * V::size);
        return false;
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      V from, sum(T(0));
      if constexpr (kind != ScoreKind::plain) from = V::load(call.from + v * V::size);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const int64_t at = r * lanes + v * V::size;
        V x = acc[r][v];
        if constexpr (kind == ScoreKind::exponential || kind == ScoreKind::weights) x = exp2_nonpositive(x - from);
        if constexpr (kind == ScoreKind::exponential) sum += x;
        if constexpr (kind == ScoreKind::gradient) {
          const V weight = V::load(call.weights + at);
          x = weight * (x - from);
          if (call.seen) x = select(weight == V(T(0)), V(T(0)), x);  // what is hidden may be NaN
        }
        x.store(call.c + at);
      }
      if constexpr (kind == ScoreKind::exponential)
        (V::load(call.total + v * V::size) + sum).store(call.total + v * V::size);
    }
    return true;
  }

  template <int R, int NV> static void product(const ProductCall<T>& call) {
    V acc[R][NV];
    clear_tile(acc);
    multiply_add(acc, call.depth, call.a, call.a_row, call.a_col, call.b, call.b_row);
    T* c = call.c;
    const bool accumulate = call.accumulate;
    const bool whole = call.last == V::size;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, c += call.c_row) {
#pragma GCC unroll 4
      for (int v = 0; v < NV - 1; ++v) {
        V sum = accumulate ? V::load(c + v * V::size) + acc[r][v] : acc[r][v];
        sum.store(c + v * V::size);
      }
      T* end = c + (NV - 1) * V::size;
      if (whole) {
        V sum = accumulate ? V::load(end) + acc[r][NV - 1] : acc[r][NV - 1];
        sum.store(end);
      } else {
        V sum = accumulate ? V::load(end, call.last) + acc[r][NV - 1] : acc[r][NV - 1];
        sum.store(end, call.last);
      }
    }
  }

  /// Calls f(first, count, height) for the tiles of `count` rows.
  template <class F> static WEFT_SIMD_INLINE void for_tiles(int64_t count, int tile_vectors, F&& f) {
    int64_t i = 0;
    for (int height = 0; height < heights; ++height) {
      const int64_t here = rows(tile_vectors, height);
      for (; i + here <= count; i += here) f(i, here, height);
    }
  }

  static WEFT_SIMD_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

  /// C[count, lanes] from `count` rows of A, `width` lanes at a time (at most a panel). `range(i, width, begin, end)`
  /// narrows the rows [begin, end) that the lanes [i, i + width) need; other scores are left as they are.
  /// `raise(j, n, i, width)` is called where the tile of the rows [j, j + n) refused.
  template <ScoreKind kind, class Range, class Raise>
  static WEFT_SIMD_INLINE void score_block(const ScoreCall<T>& whole, int64_t count, int64_t width, Range&& range,
                                           Raise&& raise);

  /// C[m, n] = (accumulate ? C : 0) + A B, whole registers of B being readable. `range(i, m, begin, end)` narrows the
  /// depth [begin, end) that the rows [i, i + m) need.
  template <class Range>
  static WEFT_SIMD_INLINE void product_block(const ProductCall<T>& whole, int64_t m, int64_t n, Range&& range);
};

template <class T, class Arch> struct AttentionTileTable {
  using Tile = AttentionTile<T, Arch>;
  bool (*scores[4][Tile::vectors][Tile::heights])(const ScoreCall<T>&);
  void (*products[Tile::vectors][Tile::heights])(const ProductCall<T>&);

  template <int NV, int height> constexpr void fill() {
    constexpr int R = Tile::rows(NV, height);
    scores[0][NV - 1][height] = &Tile::template score<ScoreKind::plain, R, NV>;
    scores[1][NV - 1][height] = &Tile::template score<ScoreKind::exponential, R, NV>;
    scores[2][NV - 1][height] = &Tile::template score<ScoreKind::weights, R, NV>;
    scores[3][NV - 1][height] = &Tile::template score<ScoreKind::gradient, R, NV>;
    products[NV - 1][height] = &Tile::template product<R, NV>;
    if constexpr (height + 1 < Tile::heights) fill<NV, height + 1>();
    else if constexpr (NV < Tile::vectors) fill<NV + 1, 0>();
  }
  constexpr AttentionTileTable() : scores{}, products{} { fill<1, 0>(); }
};

template <class T, class Arch>
template <ScoreKind kind, class Range, class Raise>
WEFT_SIMD_INLINE void AttentionTile<T, Arch>::score_block(const ScoreCall<T>& whole, int64_t count, int64_t width,
                                                          Range&& range, Raise&& raise) {
  static constexpr AttentionTileTable<T, Arch> table;
  const int64_t lanes = whole.lanes;
  ScoreCall<T> call = whole;
  for (int64_t i = 0; i < lanes; i += width) {
    const int64_t here = least(width, lanes - i);
    const int registers = static_cast<int>(here / V::size);
    int64_t begin = 0, end = count;
    range(i, here, begin, end);
    call.b = whole.b + i;
    if constexpr (kind != ScoreKind::plain) call.from = whole.from + i;
    if constexpr (kind == ScoreKind::exponential) {
      call.limit = whole.limit + i;
      call.total = whole.total + i;
    }
    call.lane = i;
    auto advance = [&](const FetchRows<T>& from, FetchRows<T>& to, int64_t j) {
      to.data = from.data && i == 0 && j < from.count ? from.data + j * from.row : nullptr;
    };
    call.fresh = whole.fresh;
    for_tiles(end - begin, registers, [&](int64_t first, int64_t n, int height) {
      const int64_t j = begin + first;
      call.a = whole.a + j * whole.a_row;
      call.c = whole.c + j * lanes + i;
      if (whole.seen) call.seen = whole.seen + j;
      if constexpr (kind == ScoreKind::gradient) call.weights = whole.weights + j * lanes + i;
      advance(whole.soon, call.soon, j);
      advance(whole.later, call.later, j);
      advance(whole.next, call.next, j);
      advance(whole.written, call.written, j);
      if (!table.scores[static_cast<int>(kind)][registers - 1][height](call)) raise(j, n, i, here);
      call.fresh = false;
    });
  }
}

template <class T, class Arch>
template <class Range>
WEFT_SIMD_INLINE void AttentionTile<T, Arch>::product_block(const ProductCall<T>& whole, int64_t m, int64_t n,
                                                            Range&& range) {
  static constexpr AttentionTileTable<T, Arch> table;
  const int64_t registers = (n + V::size - 1) / V::size, panels = (registers + vectors - 1) / vectors;
  ProductCall<T> call = whole;
  for (int64_t panel = 0, v = 0; panel < panels; ++panel) {
    const int64_t nv = (registers - v + panels - panel - 1) / (panels - panel);  // panels of nearly equal width
    call.last = static_cast<int>(v + nv == registers ? n - (registers - 1) * V::size : V::size);
    for_tiles(m, static_cast<int>(nv), [&](int64_t i, int64_t here, int height) {
      int64_t begin = 0, end = whole.depth;
      range(i, here, begin, end);
      call.depth = end - begin;
      call.a = whole.a + i * whole.a_row + begin * whole.a_col;
      call.b = whole.b + begin * whole.b_row + v * V::size;
      call.c = whole.c + i * whole.c_row + v * V::size;
      table.products[nv - 1][height](call);
    });
    v += nv;
  }
}

}  // namespace weft::cpu
