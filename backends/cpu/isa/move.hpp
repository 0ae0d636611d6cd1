#pragma once

#include <cstdint>

namespace weft::cpu {

/// Kernels that move elements and change their type; floats stand for any elements of their size.
struct MoveKernels {
  /// to[r to_row + c] = from[r + c from_row], for elements of 4 and of 8 bytes.
  void (*transpose_4)(const float* from, int64_t from_row, float* to, int64_t to_row, int64_t rows, int64_t columns);
  void (*transpose_8)(const double* from, int64_t from_row, double* to, int64_t to_row, int64_t rows, int64_t columns);
  /// Between float and the bits of half types, as core/half.hpp; null where the processor has no instruction for it.
  void (*to_float16)(const float* x, uint16_t* y, int64_t n);
  void (*from_float16)(const uint16_t* x, float* y, int64_t n);
  void (*to_bfloat16)(const float* x, uint16_t* y, int64_t n);
  void (*from_bfloat16)(const uint16_t* x, float* y, int64_t n);
};

}  // namespace weft::cpu
