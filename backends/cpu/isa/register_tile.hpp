#pragma once

// Products of matrices in registers: what the tiles of gemm, convolution and attention have in common.

#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// How wide a tile may be, for the registers that there are.
template <class T, class Arch> struct RegisterFile {
  using V = simd::Vec<T, Arch>;
#if defined(__x86_64__)
  static constexpr bool many_registers = sizeof(V) == 64;
#else
  static constexpr bool many_registers = true;
#endif
  static constexpr int vectors = many_registers ? 4 : 2;  ///< of B, next to the accumulators and a broadcast of A
  static constexpr int panel = vectors * V::size;
};

template <class V, int R, int NV> WEFT_SIMD_INLINE void clear_tile(V (&acc)[R][NV]) {
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = V(0);
}

/// acc[R][NV vectors] += A[R][depth] B[depth][NV vectors]: every element sums over depth in order, in one chain of fma,
/// whatever the tile.
template <class T, class V, int R, int NV>
WEFT_SIMD_INLINE void multiply_add(V (&acc)[R][NV], int64_t depth, const T* first, int64_t a_row, int64_t a_col,
                                   const T* b, int64_t b_row) {
  // A row in every three has a pointer; the others are one or two strides from it.
  constexpr int groups = (R + 2) / 3;
  const T* a[groups];
#pragma GCC unroll 8
  for (int g = 0; g < groups; ++g) a[g] = first + 3 * g * a_row;
  for (int64_t k = depth; k > 0; --k) {
    V bv[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) bv[v] = V::load(b + v * V::size);
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) {
      V av(a[r / 3][(r % 3) * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = fma(av, bv[v], acc[r][v]);
    }
    b += b_row;
#pragma GCC unroll 8
    for (int g = 0; g < groups; ++g) a[g] += a_col;
  }
}

/// acc = C + acc. Of the last vectors' columns, `last` exist.
template <class T, class V, int R, int NV>
WEFT_SIMD_INLINE void add_tile(V (&acc)[R][NV], const T* c, int64_t c_row, int last) {
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r, c += c_row) {
#pragma GCC unroll 4
    for (int v = 0; v + 1 < NV; ++v) acc[r][v] = V::load(c + v * V::size) + acc[r][v];
    const T* end = c + (NV - 1) * V::size;
    acc[r][NV - 1] = (last == V::size ? V::load(end) : V::load(end, last)) + acc[r][NV - 1];
  }
}

/// Adds one row to all.
template <class T, class V, int R, int NV> WEFT_SIMD_INLINE void add_row(V (&acc)[R][NV], const T* row, int last) {
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    V x = v + 1 < NV ? V::load(row + v * V::size) : V::load(row + v * V::size, last);
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) acc[r][v] += x;
  }
}

template <class T, class V, int R, int NV>
WEFT_SIMD_INLINE void store_tile(V (&acc)[R][NV], T* c, int64_t c_row, int last) {
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r, c += c_row) {
#pragma GCC unroll 4
    for (int v = 0; v + 1 < NV; ++v) acc[r][v].store(c + v * V::size);
    if (last == V::size) acc[r][NV - 1].store(c + (NV - 1) * V::size);
    else acc[r][NV - 1].store(c + (NV - 1) * V::size, last);
  }
}

}  // namespace weft::cpu
