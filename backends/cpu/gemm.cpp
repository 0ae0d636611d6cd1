#include <weft/backends/cpu/gemm.hpp>

#include <algorithm>
#include <type_traits>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Depth of a block of K: a panel of B and a tile of A of that depth stay in the near caches.
constexpr int64_t depth = 256;
/// Multiply-adds from which a product is shared among threads, and the least that a task should have.
constexpr int64_t threads_from = 512 * 1024, least_task = 128 * 1024;
/// B is packed in slices of at most this many elements.
constexpr int64_t most_packed = int64_t{4} << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

template <class F> void for_tasks(bool threads, int64_t tasks, F&& f) {
  if (threads) parallel_for(tasks, f);
  else
    for (int64_t task = 0; task < tasks; ++task) f(task);
}

template <class T> void gemm_without_depth(const GemmArgs<T>& args) {
  for (int64_t i = 0; i < args.m; ++i)
    for (int64_t j = 0; j < args.n; ++j) {
      T& c = args.c[i * args.c_row + j];
      c = (args.accumulate ? c : T(0)) + (args.bias ? args.bias[j] : T(0));
    }
}

/// A few rows times a matrix: bound by reading B, so nothing is packed.
template <class T> void gemm_few_rows(const GemmArgs<T>& args, bool threads) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  const bool dots = args.b_row == 1 && args.b_col != 1;
  const int64_t chunk = dots ? std::max<int64_t>(16, round_up(least_task / 2 / args.k, 4)) : 8 * kernels.panel;
  const T* a = args.a;
  int64_t a_row = args.a_row, a_col = args.a_col;
  if (dots && a_col != 1) {
    T* rows = scratch<T>(ScratchUse::gemm_row, args.m * args.k);
    for (int64_t i = 0; i < args.m; ++i)
      for (int64_t p = 0; p < args.k; ++p) rows[i * args.k + p] = a[i * a_row + p * a_col];
    a = rows;
    a_row = args.k;
  }
  for_tasks(threads, ceil_div(args.n, chunk), [&](int64_t task) {
    const int64_t j = task * chunk, n = std::min(chunk, args.n - j);
    const T* bias = args.bias ? args.bias + j : nullptr;
    for (int64_t i = 0; i < args.m; ++i) {
      T* y = args.c + i * args.c_row + j;
      const T* x = a + i * a_row;
      if (dots) kernels.dots(args.k, n, x, args.b + j * args.b_col, args.b_col, y, args.accumulate, bias);
      else kernels.row(args.k, n, x, a_col, args.b + j, args.b_row, y, args.accumulate, bias);
    }
  });
}

/// C in pieces of `rows` x `columns`: few enough to stay large, enough to keep threads busy.
struct Grid {
  int64_t rows, columns, down, across;

  Grid(int64_t m, int64_t n, int64_t k, int64_t panel) : rows(std::min<int64_t>(m, 192)), columns(4 * panel) {
    constexpr int64_t wanted = 24;
    auto pieces = [&] { return ceil_div(m, rows) * ceil_div(n, columns); };
    while (pieces() < wanted && rows * columns * k > 2 * least_task) {
      if (rows >= 48 && (rows >= columns || columns <= panel)) rows = ceil_div(rows, 2);
      else if (columns > panel) columns = round_up(columns / 2, panel);
      else break;
    }
    rows = round_up(rows, 12);
    down = ceil_div(m, rows);
    across = ceil_div(n, columns);
  }
};

/// One piece of C over the whole of K. `packed`: all of B in panels of full depth, or null.
template <class T>
void gemm_piece(const GemmArgs<T>& args, const T* packed, int64_t i, int64_t m, int64_t j, int64_t n) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  const int64_t panel = kernels.panel, lanes = kernels.lanes;
  // B in place cannot be read past its last column, so the panel with an incomplete vector is copied.
  const int64_t ragged = !packed && n % lanes != 0 ? n % panel : 0;
  for (int64_t p = 0; p < args.k; p += depth) {
    GemmBlock<T> block;
    block.m = m;
    block.n = n - ragged;
    block.k = std::min(depth, args.k - p);
    block.a = args.a + i * args.a_row + p * args.a_col;
    block.a_row = args.a_row;
    block.a_col = args.a_col;
    block.c = args.c + i * args.c_row + j;
    block.c_row = args.c_row;
    block.accumulate = args.accumulate || p > 0;
    block.bias = p == 0 && args.bias ? args.bias + j : nullptr;
    if (packed) {
      // The last panel may be narrower than the others, and its rows are as wide as itself.
      const int64_t whole = n / panel * panel, rest = n - whole;
      block.b_row = panel;
      block.b_panel = args.k * panel;
      block.b = packed + j * args.k + p * panel;
      block.n = whole;
      if (whole) kernels.block(block);
      if (rest) {
        block.b_row = round_up(rest, lanes);
        block.b = packed + (j + whole) * args.k + p * block.b_row;
        block.c += whole;
        if (block.bias) block.bias += whole;
        block.n = rest;
        kernels.block(block);
      }
      continue;
    }
    block.b = args.b + p * args.b_row + j;
    block.b_row = args.b_row;
    block.b_panel = panel;
    if (block.n) kernels.block(block);
    if (ragged) {
      const int64_t width = round_up(ragged, lanes), done = n - ragged;
      T* tail = scratch<T>(ScratchUse::gemm_tail, depth * panel);
      kernels.pack(block.k, ragged, block.b + done, args.b_row, 1, tail, width);
      block.b = tail;
      block.b_row = width;
      block.c += done;
      if (block.bias) block.bias += done;
      block.n = ragged;
      kernels.block(block);
    }
  }
}

template <class T> void gemm_tiled(const GemmArgs<T>& args, bool threads) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  const int64_t panel = kernels.panel;
  // Packing pays when many rows share B, and rows of B far apart would crowd into few cache sets.
  const bool pack = args.b_col != 1 || (args.m >= 96 && args.n > panel && args.n * args.k >= 128 * 1024);
  if (!pack) {
    const Grid grid(args.m, args.n, args.k, panel);
    for_tasks(threads, grid.down * grid.across, [&](int64_t task) {
      const int64_t i = task / grid.across * grid.rows, j = task % grid.across * grid.columns;
      gemm_piece<T>(args, nullptr, i, std::min(grid.rows, args.m - i), j, std::min(grid.columns, args.n - j));
    });
    return;
  }
  const int64_t slice = std::max(4 * panel, most_packed / args.k / panel * panel);
  for (int64_t from = 0; from < args.n; from += slice) {
    GemmArgs<T> part = args;
    part.n = std::min(slice, args.n - from);
    part.b += from * args.b_col;
    part.c += from;
    if (part.bias) part.bias += from;
    T* packed = scratch<T>(ScratchUse::gemm_packed, round_up(part.n, kernels.lanes) * part.k);
    const int64_t strips = ceil_div(part.k, depth);
    for_tasks(threads, ceil_div(part.n, panel) * strips, [&](int64_t task) {
      const int64_t j = task / strips * panel, p = task % strips * depth;
      const int64_t n = std::min(panel, part.n - j), width = round_up(n, kernels.lanes);
      kernels.pack(std::min(depth, part.k - p), n, part.b + p * part.b_row + j * part.b_col, part.b_row, part.b_col,
                   packed + j * part.k + p * width, width);
    });
    const Grid grid(part.m, part.n, part.k, panel);
    for_tasks(threads, grid.down * grid.across, [&](int64_t task) {
      const int64_t i = task / grid.across * grid.rows, j = task % grid.across * grid.columns;
      gemm_piece<T>(part, packed, i, std::min(grid.rows, part.m - i), j, std::min(grid.columns, part.n - j));
    });
  }
}

template <class T> void gemm_on(const GemmArgs<T>& args, bool threads) {
  if (args.m <= 0 || args.n <= 0) return;
  if (args.k <= 0) return gemm_without_depth(args);
  if (args.n == 1 && args.m > 1 && args.c_row == 1 && !args.bias && (args.a_col == 1 || args.a_row == 1)) {
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
    return gemm_few_rows(flipped, threads);
  }
  if (args.m == 1 && args.b_col == 1) return gemm_few_rows(args, threads);
  if (args.m <= 4 && args.b_row == 1 && args.b_col != 1) return gemm_few_rows(args, threads);
  gemm_tiled(args, threads);
}

}  // namespace

template <class T> void gemm(const GemmArgs<T>& args) { gemm_on(args, args.m * args.n * args.k >= threads_from); }

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
    return one;
  };
  const int64_t work = std::max<int64_t>(1, first.m * first.n * first.k);
  if (args.batch == 1 || (args.batch < 16 && work >= 4 * threads_from) || work >= 32 * threads_from) {
    for (int64_t index = 0; index < args.batch; ++index) gemm(at(index));
    return;
  }
  const int64_t group = std::max<int64_t>(1, least_task / work);
  for_tasks(args.batch * work >= threads_from, ceil_div(args.batch, group), [&](int64_t task) {
    for (int64_t index = task * group; index < std::min(args.batch, (task + 1) * group); ++index)
      gemm_on(at(index), false);
  });
}

template void gemm<float>(const GemmArgs<float>&);
template void gemm<double>(const GemmArgs<double>&);
template void batched_gemm<float>(const BatchedGemmArgs<float>&);
template void batched_gemm<double>(const BatchedGemmArgs<double>&);

}  // namespace weft::cpu
