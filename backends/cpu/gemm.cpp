#include <weft/backends/cpu/gemm.hpp>

#include <algorithm>

#include <weft/backends/cpu/gemm_finish.hpp>
#include <weft/backends/cpu/gemm_tiled.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>

namespace weft::cpu {
namespace {

template <class T> void gemm_without_depth(const GemmArgs<T>& args) {
  for (int64_t i = 0; i < args.m; ++i)
    for (int64_t j = 0; j < args.n; ++j) {
      T& c = args.c[i * args.c_row + j];
      c = (args.accumulate ? c : T(0)) + (args.bias ? args.bias[j] : T(0));
    }
  if (has_finish(args)) finish_piece(args, 0, args.m, 0, args.n);
}

/// A few rows times a matrix with contiguous rows: bound by reading B. `one_bias`: a bias for every column, or null.
template <class T> void gemm_rows(const GemmArgs<T>& args, bool threads, const T* one_bias = nullptr) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  const int64_t chunk = 8 * kernels.panel;
  for_tasks(threads, ceil_div(args.n, chunk), [&](int64_t task) {
    const int64_t j = task * chunk, n = std::min(chunk, args.n - j);
    const T* bias = args.bias ? args.bias + j : nullptr;
    kernels.stream({args.m, n, args.k, args.a, args.a_row, args.a_col, args.b + j, args.b_row, args.c + j, args.c_row,
                    args.accumulate, bias});
    if (one_bias) add_to_all(*one_bias, args.c + j, n);
    if (has_finish(args)) finish_piece(args, 0, args.m, j, n);
  });
}

/// The same for a matrix with contiguous columns: dot products.
template <class T> void gemm_dots(const GemmArgs<T>& args, bool threads, const T* one_bias = nullptr) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  GemmDots<T> dots;
  dots.m = args.m;
  dots.k = args.k;
  dots.a = args.a;
  dots.a_row = args.a_row;
  dots.b_col = args.b_col;
  dots.c_row = args.c_row;
  dots.accumulate = args.accumulate;
  if (args.a_col != 1) {
    T* rows = scratch<T>(ScratchUse::gemm_row, args.m * args.k);
    for (int64_t i = 0; i < args.m; ++i)
      for (int64_t p = 0; p < args.k; ++p) rows[i * args.k + p] = args.a[i * args.a_row + p * args.a_col];
    dots.a = rows;
    dots.a_row = args.k;
  }
  const int64_t chunk = std::max<int64_t>(16, round_up(gemm_least_task / 2 / (args.k * args.m), 4));
  for_tasks(threads, ceil_div(args.n, chunk), [&, dots](int64_t task) {
    const int64_t j = task * chunk;
    GemmDots<T> part = dots;
    part.n = std::min(chunk, args.n - j);
    part.b = args.b + j * args.b_col;
    part.c = args.c + j;
    part.bias = args.bias ? args.bias + j : nullptr;
    kernels.dots(part);
    if (one_bias) add_to_all(*one_bias, args.c + j, part.n);
    if (has_finish(args)) finish_piece(args, 0, args.m, j, part.n);
  });
}

/// A small product with B in place, without any planning; false when it is not one.
template <class T> bool gemm_at_once(const GemmArgs<T>& args) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  if (args.b_col != 1 || args.n % kernels.lanes != 0 || args.k > 256 || args.m > 64 ||
      args.m * args.n * args.k > 64 * 1024)
    return false;
  kernels.block({args.m, args.n, args.k, args.a, args.a_row, args.a_col, args.b, args.b_row, kernels.panel, args.c,
                 args.c_row, args.accumulate, args.bias});
  if (has_finish(args)) finish_piece(args, 0, args.m, 0, args.n);
  return true;
}

/// Rows of A that are multiplied with B's columns as they lie, rather than copying B first.
constexpr int64_t most_dot_rows = 16;
/// Rows of A for which a B of so many elements, too large for the near caches, is read in its own order.
constexpr int64_t most_streamed_rows = 4, streamed_from = 512 * 1024;

template <class T> void gemm_on(const GemmArgs<T>& args, bool threads) {
  if (args.m <= 0 || args.n <= 0) return;
  if (args.k <= 0) return gemm_without_depth(args);
  if (args.n == 1 && args.m > 1 && args.c_row == 1 && (args.a_col == 1 || args.a_row == 1)) {
    // A matrix times a column is a row times the transposed matrix.
    GemmArgs<T> flipped = args;
    flipped.m = 1;
    flipped.n = args.m;
    flipped.a = args.b;
    flipped.a_row = 0;
    flipped.a_col = args.b_row;
    flipped.b = args.a;
    flipped.b_row = args.a_col;
    flipped.b_col = args.a_row;
    flipped.bias = nullptr;
    return flipped.b_col == 1 ? gemm_rows(flipped, threads, args.bias) : gemm_dots(flipped, threads, args.bias);
  }
  if (args.b_col == 1 && (args.m == 1 || (args.m <= most_streamed_rows && args.n * args.k >= streamed_from)))
    return gemm_rows(args, threads);
  if (args.b_row == 1 && args.b_col != 1 && (args.m <= 4 || (args.m <= most_dot_rows && args.k >= 128)))
    return gemm_dots(args, threads);
  if (gemm_at_once(args)) return;
  gemm_tiled(args, threads);
}

}  // namespace

template <class T> void gemm(const GemmArgs<T>& args) { gemm_on(args, args.m * args.n * args.k >= gemm_threads_from); }

template <class T> void batched_gemm(const BatchedGemmArgs<T>& args) {
  const GemmArgs<T>& first = args.first;
  if (args.batch <= 0 || first.m <= 0 || first.n <= 0) return;
  if (args.b_batch == 0 && args.a_batch == first.m * first.a_row && args.c_batch == first.m * first.c_row) {
    GemmArgs<T> tall = first;
    tall.m *= args.batch;
    return gemm(tall);
  }
  auto at = [&](int64_t index) {
    GemmArgs<T> one = first;
    one.a += index * args.a_batch;
    one.b += index * args.b_batch;
    one.c += index * args.c_batch;
    if (one.residual) one.residual += index * args.c_batch;
    if (one.out) one.out += index * args.c_batch;
    return one;
  };
  const int64_t work = std::max<int64_t>(1, first.m * first.n * first.k);
  if (args.batch == 1 || (args.batch < 16 && work >= 4 * gemm_threads_from) || work >= 32 * gemm_threads_from) {
    for (int64_t index = 0; index < args.batch; ++index) gemm(at(index));
    return;
  }
  const int64_t group = std::max<int64_t>(1, gemm_least_task / work);
  for_tasks(args.batch * work >= gemm_threads_from, ceil_div(args.batch, group), [&](int64_t task) {
    for (int64_t index = task * group; index < std::min(args.batch, (task + 1) * group); ++index)
      gemm_on(at(index), false);
  });
}

template void gemm<float>(const GemmArgs<float>&);
template void gemm<double>(const GemmArgs<double>&);
template void batched_gemm<float>(const BatchedGemmArgs<float>&);
template void batched_gemm<double>(const BatchedGemmArgs<double>&);

}  // namespace weft::cpu
