#pragma once

#include <weft/backends/cpu/gemm.hpp>

namespace weft::cpu {

/// Whether there is anything to do once the sums are in C.
template <class T> bool has_finish(const GemmArgs<T>& args) {
  return args.activation != op::Activation::none || args.residual || (args.out && args.out != args.c);
}

/// Activation and residual for C[i : i + m, j : j + n], with the loops of the elementwise primitives.
template <class T> void finish_piece(const GemmArgs<T>& args, int64_t i, int64_t m, int64_t j, int64_t n);

/// Adds `count` matrices [m, n], one after another in memory, and then the bias to rows [i, i + m) of C.
template <class T> void add_parts(const GemmArgs<T>& args, const T* parts, int64_t count, int64_t i, int64_t m);

/// y[n] += value.
template <class T> void add_to_all(T value, T* y, int64_t n);

}  // namespace weft::cpu
