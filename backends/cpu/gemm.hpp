#pragma once

#include <cstdint>

#include <weft/autograd/ops/matmul.hpp>

namespace weft::cpu {

/// C[m, n] = (accumulate ? C : 0) + A[m, k] B[k, n] + bias[n]. A and B have any strides, in elements, 0 and negative
/// ones included; C's columns are contiguous, its rows `c_row` apart, and it overlaps neither A nor B. Every element
/// sums over k in an order that depends on the shape and instruction set alone; the bias comes last.
///
/// With an activation, residual or `out`, out[m, n] = activation(C) + residual[m, n] as well, while C is in the near
/// caches. Both are laid out as C is; without `out` the result replaces C.
template <class T> struct GemmArgs {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t a_row = 0, a_col = 1;
  const T* b = nullptr;
  int64_t b_row = 0, b_col = 1;
  T* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
  const T* bias = nullptr;
  op::Activation activation = op::Activation::none;
  const T* residual = nullptr;
  T* out = nullptr;
};

/// For float and double. Large products are shared among threads. May throw MemoryError for packing space.
template <class T> void gemm(const GemmArgs<T>& args);

/// `batch` products, each of A, B and C moved on by its stride (0 for A or B: the same matrix every time), the
/// residual and `out` by that of C.
template <class T> struct BatchedGemmArgs {
  GemmArgs<T> first;
  int64_t batch = 0;
  int64_t a_batch = 0, b_batch = 0, c_batch = 0;
};
template <class T> void batched_gemm(const BatchedGemmArgs<T>& args);

}  // namespace weft::cpu
