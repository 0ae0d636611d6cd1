#pragma once

#include <weft/backends/cpu/isa/gemm.hpp>
#include <weft/backends/cpu/isa/register_tile.hpp>

namespace weft::simd {
/// Has the line at p + bytes brought near; it may lie outside any array.
template <class T> WEFT_SIMD_INLINE void prefetch(const T* p, int64_t bytes) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<intptr_t>(p) + bytes));
}
}  // namespace weft::simd

namespace weft::cpu {

/// Register tiles. `rows[v - 1]` is the most rows that a tile of v vectors may have: as many accumulators as the
/// register file holds next to v vectors of B and a broadcast of A, but at least the 8 that hide the latency of fma.
template <class T, class Arch> struct GemmTile : RegisterFile<T, Arch> {
  using RegisterFile<T, Arch>::many_registers;
  static constexpr int max_rows = many_registers ? 24 : 10;
  static constexpr int rows(int tile_vectors) {
    if (many_registers) return tile_vectors == 1 ? 24 : tile_vectors == 2 ? 12 : tile_vectors == 3 ? 8 : 6;
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
  V acc[R][NV];
  clear_tile(acc);
  // C is far away where an earlier block of K left it; it comes near while the sums are made.
  if (call.accumulate) {
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) __builtin_prefetch(call.c + r * call.c_row + v * V::size);
  }
  multiply_add(acc, call.k, call.a, call.a_row, call.a_col, call.b, call.b_row);
  if (call.accumulate) add_tile(acc, call.c, call.c_row, call.last);
  if (call.bias) add_row(acc, call.bias, call.last);
  store_tile(acc, call.c, call.c_row, call.last);
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
    const int64_t ahead = 24 * b_row * static_cast<int64_t>(sizeof(T));
    for (int64_t p = 0; p < k; ++p, b += b_row, packed += width) {
      for (int64_t j = 0; j < whole; j += V::size) simd::prefetch(b + j, ahead);
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

/// Rows [i, i + R) of C as far as rows [p, p + Depth) of B go.
template <class T, class Arch, int R, int Depth>
WEFT_SIMD_INLINE void gemm_stream_pass(const GemmStream<T>& stream, int64_t i, int64_t p) {
  using V = simd::Vec<T, Arch>;
  const bool adds = p > 0 || stream.accumulate;
  const T* bias = p + Depth == stream.k ? stream.bias : nullptr;
  const T* b = stream.b + p * stream.b_row;
  T* c = stream.c + i * stream.c_row;
  V a[Depth][R];
#pragma GCC unroll 8
  for (int d = 0; d < Depth; ++d)
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) a[d][r] = V(stream.a[(i + r) * stream.a_row + (p + d) * stream.a_col]);
  auto column = [&](int64_t j, auto whole, int count) __attribute__((always_inline)) {
    auto load = [&](const T* from) __attribute__((always_inline)) {
      return whole.value ? V::load(from) : V::load(from, count);
    };
    V sums[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sums[r] = adds ? load(c + r * stream.c_row + j) : V(T(0));
#pragma GCC unroll 8
    for (int d = 0; d < Depth; ++d) {
      V row = load(b + d * stream.b_row + j);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[r] = fma(a[d][r], row, sums[r]);
    }
    if (bias) {
      V added = load(bias + j);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[r] += added;
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
      if (whole.value) sums[r].store(c + r * stream.c_row + j);
      else sums[r].store(c + r * stream.c_row + j, count);
  };
  int64_t j = 0;
  for (; j + V::size <= stream.n; j += V::size) column(j, std::true_type(), V::size);
  if (j < stream.n) column(j, std::false_type(), static_cast<int>(stream.n - j));
}

template <class T, class Arch, int Depth> void gemm_stream_depth(const GemmStream<T>& stream, int64_t p) {
  int64_t i = 0;
  if constexpr (Depth <= 4)
    for (; i + 4 <= stream.m; i += 4) gemm_stream_pass<T, Arch, 4, Depth>(stream, i, p);
  for (; i + 2 <= stream.m; i += 2) gemm_stream_pass<T, Arch, 2, Depth>(stream, i, p);
  if (i < stream.m) gemm_stream_pass<T, Arch, 1, Depth>(stream, i, p);
}

template <class T, class Arch> void gemm_stream(const GemmStream<T>& stream) {
  // One row takes long strides through B; with more rows the factors of A would not stay in registers.
  constexpr bool many = GemmTile<T, Arch>::many_registers;
  int64_t p = 0;
  if (stream.m <= 2 && many)
    for (; p + 8 <= stream.k; p += 8) gemm_stream_depth<T, Arch, 8>(stream, p);
  if (many)
    for (; p + 4 <= stream.k; p += 4) gemm_stream_depth<T, Arch, 4>(stream, p);
  for (; p + 2 <= stream.k; p += 2) gemm_stream_depth<T, Arch, 2>(stream, p);
  if (p < stream.k) gemm_stream_depth<T, Arch, 1>(stream, p);
}

/// C[R, N] of dot products. One row has two chains of sums a column, else there would be too few to hide fma's latency.
template <class T, class Arch, int R, int N>
WEFT_SIMD_INLINE void gemm_dot_tile(const GemmDots<T>& dots, int64_t i, int64_t j) {
  using V = simd::Vec<T, Arch>;
  constexpr int chains = R == 1 ? 2 : 1;
  const T *a = dots.a + i * dots.a_row, *b = dots.b + j * dots.b_col;
  V sums[chains][R][N];
#pragma GCC unroll 2
  for (int s = 0; s < chains; ++s)
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int c = 0; c < N; ++c) sums[s][r][c] = V(T(0));
  int64_t p = 0;
  for (; p + chains * V::size <= dots.k; p += chains * V::size)
#pragma GCC unroll 2
    for (int s = 0; s < chains; ++s) {
      V x[R];
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) x[r] = V::load(a + r * dots.a_row + p + s * V::size);
#pragma GCC unroll 4
      for (int c = 0; c < N; ++c) {
        V column = V::load(b + c * dots.b_col + p + s * V::size);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) sums[s][r][c] = fma(x[r], column, sums[s][r][c]);
      }
    }
  for (; p < dots.k; p += V::size) {
    const int count = static_cast<int>(dots.k - p < V::size ? dots.k - p : V::size);
    V x[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) x[r] = V::load(a + r * dots.a_row + p, count);
#pragma GCC unroll 4
    for (int c = 0; c < N; ++c) {
      V column = V::load(b + c * dots.b_col + p, count);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[0][r][c] = fma(x[r], column, sums[0][r][c]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < N; ++c) {
      T& y = dots.c[(i + r) * dots.c_row + j + c];
      T sum = simd::reduce_add(chains == 2 ? sums[0][r][c] + sums[chains - 1][r][c] : sums[0][r][c]);
      if (dots.accumulate) sum = y + sum;
      if (dots.bias) sum += dots.bias[j + c];
      y = sum;
    }
}

template <class T, class Arch, int N> WEFT_SIMD_INLINE void gemm_dot_rows(const GemmDots<T>& dots, int64_t j) {
  int64_t i = 0;
  // Several rows share each load of B; the last few, too.
  constexpr int rows = GemmTile<T, Arch>::many_registers ? 4 : 2;
  for (; i + rows <= dots.m; i += rows) gemm_dot_tile<T, Arch, rows, N>(dots, i, j);
  if constexpr (rows == 4) {
    if (i + 2 <= dots.m) {
      gemm_dot_tile<T, Arch, 2, N>(dots, i, j);
      i += 2;
    }
  }
  if (i < dots.m) gemm_dot_tile<T, Arch, 1, N>(dots, i, j);
}

template <class T, class Arch> void gemm_dots(const GemmDots<T>& dots) {
  int64_t j = 0;
  for (; j + 4 <= dots.n; j += 4) gemm_dot_rows<T, Arch, 4>(dots, j);
  for (; j < dots.n; ++j) gemm_dot_rows<T, Arch, 1>(dots, j);
}

template <class T, class Arch> constexpr GemmTypeKernels<T> make_gemm_type_kernels() {
  using Tile = GemmTile<T, Arch>;
  return {Tile::V::size,       Tile::panel,           &gemm_block<T, Arch>,
          &gemm_pack<T, Arch>, &gemm_stream<T, Arch>, &gemm_dots<T, Arch>};
}

template <class Arch> constexpr GemmKernels make_gemm_kernels() {
  return {make_gemm_type_kernels<float, Arch>(), make_gemm_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
