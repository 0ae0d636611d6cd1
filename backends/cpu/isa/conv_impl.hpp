#pragma once

#include <weft/backends/cpu/isa/conv.hpp>
#include <weft/backends/cpu/isa/register_tile.hpp>

namespace weft::cpu {

/// Register tiles: as many rows as the register file holds accumulators for, next to a row of B and a broadcast of A.
template <class T, class Arch> struct ConvTile : RegisterFile<T, Arch> {
  using RegisterFile<T, Arch>::many_registers;
  static constexpr int max_rows = many_registers ? 12 : 10;
  static constexpr int rows(int tile_vectors) {
    if (many_registers) return tile_vectors <= 2 ? 12 : tile_vectors == 3 ? 8 : 6;
    return tile_vectors == 1 ? 10 : 6;
  }
};

/// What follows the sums of rows [row, row + R) of a block, and writing them.
template <class T, class Arch, int R, int NV>
WEFT_SIMD_INLINE void conv_finish(const ConvBlock<T>& block, int64_t row, int last, simd::Vec<T, Arch> (&acc)[R][NV]) {
  using V = simd::Vec<T, Arch>;
  T* c = block.c + row * block.c_row;
  if (block.accumulate) add_tile(acc, c, block.c_row, last);
  if (block.bias) add_row(acc, block.bias, last);
  if (block.relu) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = select(acc[r][v] <= V(T(0)), V(T(0)), acc[r][v]);
  }
  store_tile(acc, c, block.c_row, last);
}

/// Rows [row, row + R) of the block, NV vectors wide, the last with `last` columns: each element in one chain of fma.
template <class T, class Arch, int R, int NV> void conv_tile(const ConvBlock<T>& block, int64_t row, int last) {
  simd::Vec<T, Arch> acc[R][NV];
  clear_tile(acc);
  const ConvRun<T>* const end = block.runs + block.run_count;
  for (const ConvRun<T>* run = block.runs; run != end; ++run)
    multiply_add(acc, run->length, run->a + row * block.a_row, block.a_row, block.a_step, run->b, block.b_step);
  conv_finish<T, Arch, R, NV>(block, row, last, acc);
}

/// The same, one vector and a half wide: two rows share a register for their halves, so that no lane is idle. The lower
/// half of B's second vector counts. Every element is the same chain of fma as in the other tiles.
template <class T, class Arch, int R> void conv_half_tile(const ConvBlock<T>& block, int64_t row, int last) {
  using V = simd::Vec<T, Arch>;
  using Register = typename V::Register;
  constexpr int groups = (R + 2) / 3, pairs = (R + 1) / 2, half = V::size / 2;
  const auto lower = V::iota() < V(T(half));
  auto swapped = [](V x) __attribute__((always_inline)) {
    return V(simd::raw::swap_blocks(Register(x), simd::raw::Lanes<half>()));
  };
  V acc[R], shared[pairs];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) acc[r] = V(T(0));
#pragma GCC unroll 8
  for (int p = 0; p < pairs; ++p) shared[p] = V(T(0));

  const int64_t a_row = block.a_row, a_step = block.a_step, b_step = block.b_step;
  const ConvRun<T>* const end = block.runs + block.run_count;
  for (const ConvRun<T>* run = block.runs; run != end; ++run) {
    const T* a[groups];
#pragma GCC unroll 6
    for (int g = 0; g < groups; ++g) a[g] = run->a + (row + 3 * g) * a_row;
    const T* b = run->b;
    for (int64_t k = run->length; k > 0; --k) {
      const V first = V::load(b), tail = V::load(b + V::size), second = select(lower, tail, swapped(tail));
#pragma GCC unroll 8
      for (int p = 0; p < pairs; ++p) {
        constexpr int last_row = R - 1;
        const int r = 2 * p, next = r < last_row ? r + 1 : r;
        const V even(a[r / 3][(r % 3) * a_row]), odd(a[next / 3][(next % 3) * a_row]);
        acc[r] = fma(even, first, acc[r]);
        if (r < last_row) acc[next] = fma(odd, first, acc[next]);
        shared[p] = fma(select(lower, even, odd), second, shared[p]);
      }
      b += b_step;
#pragma GCC unroll 6
      for (int g = 0; g < groups; ++g) a[g] += a_step;
    }
  }

  V rows[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    rows[r][0] = acc[r];
    rows[r][1] = r % 2 == 0 ? shared[r / 2] : swapped(shared[r / 2]);
  }
  conv_finish<T, Arch, R, 2>(block, row, last, rows);
}

template <class T, class Arch> struct ConvTileTable {
  using Tile = ConvTile<T, Arch>;
  using Function = void (*)(const ConvBlock<T>&, int64_t, int);
  Function tiles[Tile::vectors][Tile::max_rows];

  template <int NV, int R> constexpr void fill() {
    tiles[NV - 1][R - 1] = &conv_tile<T, Arch, R, NV>;
    if constexpr (R < Tile::rows(NV)) fill<NV, R + 1>();
    else if constexpr (NV < Tile::vectors) fill<NV + 1, 1>();
  }
  constexpr ConvTileTable() : tiles{} { fill<1, 1>(); }
};

template <class T, class Arch> struct ConvHalfTileTable {
  static constexpr int max_rows = 16;
  typename ConvTileTable<T, Arch>::Function tiles[max_rows];

  template <int R> constexpr void fill() {
    tiles[R - 1] = &conv_half_tile<T, Arch, R>;
    if constexpr (R < max_rows) fill<R + 1>();
  }
  constexpr ConvHalfTileTable() : tiles{} { fill<1>(); }
};

template <class T, class Arch> void conv_product(const ConvBlock<T>& block) {
  using Tile = ConvTile<T, Arch>;
  static constexpr ConvTileTable<T, Arch> table;
  constexpr int64_t lanes = Tile::V::size;
  const int64_t vectors = (block.columns + lanes - 1) / lanes;
  const int last = static_cast<int>(block.columns - (vectors - 1) * lanes);
  // Tiles of nearly equal height, none of them thin.
  auto for_tiles = [&](const auto* tiles, int64_t most) {
    for (int64_t row = 0, count = (block.rows + most - 1) / most; count > 0; --count) {
      const int64_t rows = (block.rows - row + count - 1) / count;
      tiles[rows - 1](block, row, last);
      row += rows;
    }
  };
  if constexpr (Tile::V::size * sizeof(T) == 64) {
    static constexpr ConvHalfTileTable<T, Arch> halves;
    if (vectors == 2 && last <= lanes / 2) return for_tiles(halves.tiles, halves.max_rows);
  }
  for_tiles(table.tiles[vectors - 1], Tile::rows(static_cast<int>(vectors)));
}

/// P rows of a depthwise block, `lanes` columns from j.
template <class T, class Arch, int P>
WEFT_SIMD_INLINE void depthwise_tile(const ConvBlock<T>& block, int64_t row, int64_t j, int lanes) {
  using V = simd::Vec<T, Arch>;
  V acc[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) acc[p] = V(T(0));
  const bool whole = lanes == V::size;
  for (int64_t i = 0; i < block.run_count; ++i) {
    const T* x = block.runs[i].a + row * block.a_row + j;
    const V weights = V::load(block.runs[i].b + j, lanes);
    if (whole) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[p] = fma(V::load(x + p * block.a_row), weights, acc[p]);
    } else {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[p] = fma(V::load(x + p * block.a_row, lanes), weights, acc[p]);
    }
  }
  T* c = block.c + row * block.c_row + j;
  const V bias = block.bias ? V::load(block.bias + j, lanes) : V(T(0));
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    if (block.accumulate) acc[p] = V::load(c + p * block.c_row, lanes) + acc[p];
    if (block.bias) acc[p] += bias;
    if (block.relu) acc[p] = select(acc[p] <= V(T(0)), V(T(0)), acc[p]);
    acc[p].store(c + p * block.c_row, lanes);
  }
}

template <class T, class Arch> void depthwise_product(const ConvBlock<T>& block) {
  using V = simd::Vec<T, Arch>;
  for (int64_t j = 0; j < block.columns; j += V::size) {
    const int lanes = static_cast<int>(block.columns - j < V::size ? block.columns - j : V::size);
    int64_t row = 0;
    for (; row + 8 <= block.rows; row += 8) depthwise_tile<T, Arch, 8>(block, row, j, lanes);
    if (row + 4 <= block.rows) {
      depthwise_tile<T, Arch, 4>(block, row, j, lanes);
      row += 4;
    }
    for (; row < block.rows; ++row) depthwise_tile<T, Arch, 1>(block, row, j, lanes);
  }
}

template <class T, class Arch, int N>
WEFT_SIMD_INLINE void depthwise_sums(const DepthwiseTap<T>* taps, int64_t length, int64_t j, int lanes, int64_t x_step,
                                     const T* d_y, int64_t y_step) {
  using V = simd::Vec<T, Arch>;
  V sums[N];
  const T* x[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    sums[n] = V::load(taps[n].sums + j, lanes);
    x[n] = taps[n].x + j;
  }
  d_y += j;
  auto pass = [&](auto load) __attribute__((always_inline)) {
    for (int64_t k = 0; k < length; ++k, d_y += y_step) {
      const V g = load(d_y);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        sums[n] = fma(load(x[n]), g, sums[n]);
        x[n] += x_step;
      }
    }
  };
  if (lanes == V::size) pass([](const T* p) __attribute__((always_inline)) { return V::load(p); });
  else pass([&](const T* p) __attribute__((always_inline)) { return V::load(p, lanes); });
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sums[n].store(taps[n].sums + j, lanes);
}

template <class T, class Arch>
void depthwise_gradient(const DepthwiseTap<T>* taps, int64_t tap_count, int64_t length, int64_t columns, int64_t x_step,
                        const T* d_y, int64_t y_step) {
  using V = simd::Vec<T, Arch>;
  for (int64_t j = 0; j < columns; j += V::size) {
    const int lanes = static_cast<int>(columns - j < V::size ? columns - j : V::size);
    int64_t n = 0;
    for (; n + 6 <= tap_count; n += 6) depthwise_sums<T, Arch, 6>(taps + n, length, j, lanes, x_step, d_y, y_step);
    for (; n + 3 <= tap_count; n += 3) depthwise_sums<T, Arch, 3>(taps + n, length, j, lanes, x_step, d_y, y_step);
    for (; n < tap_count; ++n) depthwise_sums<T, Arch, 1>(taps + n, length, j, lanes, x_step, d_y, y_step);
  }
}

template <class T, class Arch> constexpr ConvTypeKernels<T> make_conv_type_kernels() {
  using Tile = ConvTile<T, Arch>;
  return {Tile::V::size, Tile::panel, &conv_product<T, Arch>, &depthwise_product<T, Arch>,
          &depthwise_gradient<T, Arch>};
}

template <class Arch> constexpr ConvKernels make_conv_kernels() {
  return {make_conv_type_kernels<float, Arch>(), make_conv_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
