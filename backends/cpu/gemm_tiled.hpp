#pragma once

#include <algorithm>
#include <cstdint>

#include <weft/backends/cpu/gemm.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {

/// Multiply-adds from which a product is shared among threads, and the least that a task should have.
constexpr int64_t gemm_threads_from = 512 * 1024, gemm_least_task = 128 * 1024;

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

template <class F> void for_tasks(bool threads, int64_t tasks, F&& f) {
  if (threads) parallel_for(tasks, f);
  else
    for (int64_t task = 0; task < tasks; ++task) f(task);
}

/// The product by register tiles, for depth > 0: C in pieces, and K too where C is small and K long.
template <class T> void gemm_tiled(const GemmArgs<T>& args, bool threads);

}  // namespace weft::cpu
