#pragma once

#include <weft/backends/cpu/isa/gemm.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// Register tiles. `rows[v - 1]` is the most rows that a tile of v vectors may have: as many accumulators as the
/// register file holds next to v vectors of B and a broadcast of A, but at least the 8 that hide the latency of fma.
template <class T, class Arch> struct GemmTile {
  using V = simd::Vec<T, Arch>;
#if defined(__x86_64__)
  static constexpr bool many_registers = sizeof(V) == 64;
#else
  static constexpr bool many_registers = true;
#endif
  static constexpr int vectors = many_registers ? 4 : 2;
  static constexpr int panel = vectors * V::size;
  static constexpr int max_rows = many_registers ? 12 : 10;
  static constexpr int rows(int tile_vectors) {
    if (many_registers) return tile_vectors <= 2 ? 12 : tile_vectors == 3 ? 8 : 6;
    return tile_vectors == 1 ? 10 : 6;
  }
};

template <class T> struct TileCall {
  int64_t k;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row;
  T* c;
  int64_t c_row;
  const T* bias;
  bool accumulate;
  int last;  ///< columns in the last vector
};

/// C[R, NV vectors]: every element sums over k in order, in one chain of fma, whatever the tile.
template <class T, class Arch, int R, int NV> void gemm_tile(const TileCall<T>& call) {
  using V = simd::Vec<T, Arch>;
  constexpr int groups = (R + 2) / 3;
  V acc[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = V(T(0));

  // A row in every three has a pointer; the others are one or two strides from it.
  const int64_t a_row = call.a_row, a_col = call.a_col, b_row = call.b_row;
  const T* a[groups];
#pragma GCC unroll 4
  for (int g = 0; g < groups; ++g) a[g] = call.a + 3 * g * a_row;
  const T* b = call.b;
  for (int64_t k = call.k; k > 0; --k) {
    V bv[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) bv[v] = V::load(b + v * V::size);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      V av(a[r / 3][(r % 3) * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = fma(av, bv[v], acc[r][v]);
    }
    b += b_row;
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) a[g] += a_col;
  }

  if (call.bias) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      V bias = v + 1 < NV ? V::load(call.bias + v * V::size) : V::load(call.bias + v * V::size, call.last);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) acc[r][v] += bias;
    }
  }
  T* c = call.c;
  const bool accumulate = call.accumulate;
  if (call.last == V::size) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, c += call.c_row)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) {
        V sum = accumulate ? V::load(c + v * V::size) + acc[r][v] : acc[r][v];
        sum.store(c + v * V::size);
      }
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, c += call.c_row) {
#pragma GCC unroll 4
      for (int v = 0; v + 1 < NV; ++v) {
        V sum = accumulate ? V::load(c + v * V::size) + acc[r][v] : acc[r][v];
        sum.store(c + v * V::size);
      }
      T* end = c + (NV - 1) * V::size;
      V sum = accumulate ? V::load(end, call.last) + acc[r][NV - 1] : acc[r][NV - 1];
      sum.store(end, call.last);
    }
  }
}

template <class T, class Arch> struct TileTable {
  using Tile = GemmTile<T, Arch>;
  using Function = void (*)(const TileCall<T>&);
  Function tiles[Tile::vectors][Tile::max_rows];

  template <int NV, int R> constexpr void fill() {
    tiles[NV - 1][R - 1] = &gemm_tile<T, Arch, R, NV>;
    if constexpr (R < Tile::rows(NV)) fill<NV, R + 1>();
    else if constexpr (NV < Tile::vectors) fill<NV + 1, 1>();
  }
  constexpr TileTable() : tiles{} { fill<1, 1>(); }
};

template <class T, class Arch> void gemm_block(const GemmBlock<T>& block) {
  using Tile = GemmTile<T, Arch>;
  constexpr int64_t lanes = Tile::V::size;
  static constexpr TileTable<T, Arch> table;
  for (int64_t j = 0; j < block.n; j += Tile::panel) {
    const int64_t width = block.n - j < Tile::panel ? block.n - j : Tile::panel;
    const int64_t vectors = (width + lanes - 1) / lanes;
    TileCall<T> call{block.k,
                     nullptr,
                     block.a_row,
                     block.a_col,
                     block.b + j / Tile::panel * block.b_panel,
                     block.b_row,
                     nullptr,
                     block.c_row,
                     block.bias ? block.bias + j : nullptr,
                     block.accumulate,
                     static_cast<int>(width - (vectors - 1) * lanes)};
    // Tiles of nearly equal height, none of them thin.
    const int64_t most = Tile::rows(static_cast<int>(vectors));
    for (int64_t i = 0, tiles = (block.m + most - 1) / most; tiles > 0; --tiles) {
      const int64_t rows = (block.m - i + tiles - 1) / tiles;
      call.a = block.a + i * block.a_row;
      call.c = block.c + i * block.c_row + j;
      table.tiles[vectors - 1][rows - 1](call);
      i += rows;
    }
  }
}

template <class T, class Arch>
void gemm_pack(int64_t k, int64_t n, const T* b, int64_t b_row, int64_t b_col, T* packed, int64_t width) {
  using V = simd::Vec<T, Arch>;
  if (b_col == 1) {
    const int64_t whole = n / V::size * V::size;
    const int rest = static_cast<int>(n - whole);
    for (int64_t p = 0; p < k; ++p, b += b_row, packed += width) {
      for (int64_t j = 0; j < whole; j += V::size) V::load(b + j).store(packed + j);
      if (rest) V::load(b + whole, rest).store(packed + whole);
    }
    return;
  }
  if (b_row == 1) {
    const int64_t whole_k = k / V::size * V::size;
    for (int64_t j = 0; j < width; j += V::size) {
      const int64_t columns = n - j < V::size ? n - j : V::size;
      for (int64_t p = 0; p < k; p += V::size) {
        const int rows = static_cast<int>(p < whole_k ? V::size : k - p);
        V block[V::size];
        if (columns == V::size && rows == V::size) {
#pragma GCC unroll 16
          for (int c = 0; c < V::size; ++c) block[c] = V::load(b + (j + c) * b_col + p);
        } else {
#pragma GCC unroll 16
          for (int c = 0; c < V::size; ++c) block[c] = c < columns ? V::load(b + (j + c) * b_col + p, rows) : V(T(0));
        }
        simd::transpose(block);
        T* to = packed + p * width + j;
#pragma GCC unroll 16
        for (int r = 0; r < V::size; ++r)
          if (r < rows) block[r].store(to + r * width);
      }
    }
    return;
  }
  for (int64_t p = 0; p < k; ++p, b += b_row, packed += width)
    for (int64_t j = 0; j < width; ++j) packed[j] = j < n ? b[j * b_col] : T(0);
}

template <class T, class Arch>
void gemm_row(int64_t k, int64_t n, const T* x, int64_t x_step, const T* b, int64_t b_row, T* y, bool accumulate,
              const T* bias) {
  using V = simd::Vec<T, Arch>;
  constexpr int depth = 8;  // rows of B read side by side, for each pass over y
  int64_t p = 0;
  do {
    const int64_t rows = k - p < depth ? k - p : depth;
    const bool first_pass = p == 0;
    V xs[depth];
#pragma GCC unroll 8
    for (int r = 0; r < depth; ++r) xs[r] = V(r < rows ? x[(p + r) * x_step] : T(0));
    auto pass = [&](int64_t j, int count, auto whole) __attribute__((always_inline)) {
      auto load = [&](const T* from) __attribute__((always_inline)) {
        return whole.value ? V::load(from) : V::load(from, count);
      };
      V sum;
      if (!first_pass || accumulate) sum = load(y + j);
      else sum = V(T(0));
      if (first_pass && bias) sum += load(bias + j);
      if (rows == depth) {
#pragma GCC unroll 8
        for (int r = 0; r < depth; ++r) sum = fma(xs[r], load(b + (p + r) * b_row + j), sum);
      } else {
        for (int64_t r = 0; r < rows; ++r) sum = fma(xs[r], load(b + (p + r) * b_row + j), sum);
      }
      if (whole.value) sum.store(y + j);
      else sum.store(y + j, count);
    };
    int64_t j = 0;
    for (; j + V::size <= n; j += V::size) pass(j, V::size, std::true_type());
    if (j < n) pass(j, static_cast<int>(n - j), std::false_type());
    p += rows;
  } while (p < k);
}

/// N dot products of x with the columns at b, b + b_col, ...
template <class T, class Arch, int N>
WEFT_SIMD_INLINE void gemm_dots_of(int64_t k, const T* x, const T* b, int64_t b_col, T (&out)[N]) {
  using V = simd::Vec<T, Arch>;
  V even[N], odd[N];
#pragma GCC unroll 4
  for (int c = 0; c < N; ++c) even[c] = odd[c] = V(T(0));
  int64_t p = 0;
  for (; p + 2 * V::size <= k; p += 2 * V::size) {
    V x0 = V::load(x + p), x1 = V::load(x + p + V::size);
#pragma GCC unroll 4
    for (int c = 0; c < N; ++c) {
      even[c] = fma(x0, V::load(b + c * b_col + p), even[c]);
      odd[c] = fma(x1, V::load(b + c * b_col + p + V::size), odd[c]);
    }
  }
  for (; p < k; p += V::size) {
    const int count = static_cast<int>(k - p < V::size ? k - p : V::size);
    V x0 = V::load(x + p, count);
#pragma GCC unroll 4
    for (int c = 0; c < N; ++c) even[c] = fma(x0, V::load(b + c * b_col + p, count), even[c]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < N; ++c) out[c] = simd::reduce_add(even[c] + odd[c]);
}

template <class T, class Arch>
void gemm_dots(int64_t k, int64_t n, const T* x, const T* b, int64_t b_col, T* y, bool accumulate, const T* bias) {
  auto finish = [&](int64_t j, T sum) __attribute__((always_inline)) {
    if (accumulate) sum = y[j] + sum;
    if (bias) sum += bias[j];
    y[j] = sum;
  };
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    T sums[4];
    gemm_dots_of<T, Arch, 4>(k, x, b + j * b_col, b_col, sums);
    for (int c = 0; c < 4; ++c) finish(j + c, sums[c]);
  }
  for (; j < n; ++j) {
    T sum[1];
    gemm_dots_of<T, Arch, 1>(k, x, b + j * b_col, b_col, sum);
    finish(j, sum[0]);
  }
}

template <class T, class Arch> constexpr GemmTypeKernels<T> make_gemm_type_kernels() {
  using Tile = GemmTile<T, Arch>;
  return {Tile::V::size,       Tile::panel,        &gemm_block<T, Arch>,
          &gemm_pack<T, Arch>, &gemm_row<T, Arch>, &gemm_dots<T, Arch>};
}

template <class Arch> constexpr GemmKernels make_gemm_kernels() {
  return {make_gemm_type_kernels<float, Arch>(), make_gemm_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
