#include <weft/backends/cpu/gemm_tiled.hpp>

#include <weft/backends/cpu/gemm_finish.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>

namespace weft::cpu {
namespace {

/// Depth of a block of K, rows of a block of A, and columns of a block of B: what fits the second cache together.
constexpr int64_t depth = 256, block_rows = 192;
template <class T> constexpr int64_t block_columns = 1024 / sizeof(T);
/// Narrower pieces would read A too often.
template <class T> constexpr int64_t least_columns = 256 / sizeof(T);

/// Whether rows of B are copied to panels: needed where its columns are apart; else it pays when many rows of A share
/// it and it is too large, or its rows too far apart, for the near caches.
template <class T> bool packs_b(const GemmArgs<T>& args, int64_t panel) {
  return args.b_col != 1 || (args.m >= 192 && args.n > panel && args.n * args.k >= 128 * 1024);
}

/// A's columns far apart crowd into few cache sets, so that its neighbours are gone before they are read; a copy pays
/// where many panels of B read it.
template <class T> bool packs_a(const GemmArgs<T>& args, int64_t columns, int64_t panel) {
  return args.a_row == 1 && args.a_col >= block_columns<T> && columns >= 8 * panel;
}

/// Copies A[m, k], whose columns are contiguous, to columns `m` apart.
template <class T> void copy_columns(const T* a, int64_t a_col, int64_t m, int64_t k, T* to) {
  for (int64_t p = 0; p < k; ++p) std::copy_n(a + p * a_col, m, to + p * m);
}

/// C in pieces of `rows` x `columns`: few enough to stay large, enough to keep threads busy.
struct Grid {
  int64_t rows, columns, down, across;

  Grid(int64_t m, int64_t n, int64_t rows_, int64_t columns_)
      : rows(rows_), columns(columns_), down(ceil_div(m, rows)), across(ceil_div(n, columns)) {}
};

template <class T> Grid plan_grid(const GemmArgs<T>& args, int64_t k, bool packs, int64_t parts) {
  const int64_t panel = std::max<int64_t>(isa_kernels().gemm.of<T>().panel, least_columns<T>);
  int64_t rows = args.m, columns = std::min(round_up(args.n, panel), block_columns<T>);
  auto halve = [&](int64_t enough, int64_t least_rows) {
    while (ceil_div(args.m, rows) * ceil_div(args.n, columns) * parts < enough &&
           rows * columns * k > 2 * gemm_least_task) {
      const bool narrow = columns <= panel, low = rows < 2 * least_rows;
      if (narrow && low) break;
      if (narrow || (!low && rows >= 2 * columns)) rows = ceil_div(rows, 2);
      else columns = round_up(columns / 2, panel);
    }
  };
  // Every piece that packs B does so for its rows alone: these should be many, or at least give all threads work.
  if (packs) halve(16, 512);
  packs ? halve(8, 36) : halve(24, 12);
  return {args.m, args.n, std::min(args.m, round_up(rows, 6)), columns};
}

/// Rows [i, i + m) of C times columns [j, j + n), n at most `block_columns`, over the whole of K.
template <class T> void gemm_piece(const GemmArgs<T>& args, bool packs, int64_t i, int64_t m, int64_t j, int64_t n) {
  const auto& kernels = isa_kernels().gemm.of<T>();
  const int64_t panel = kernels.panel, lanes = kernels.lanes;
  // B in place cannot be read past its last column, so a panel with an incomplete vector is copied in any case.
  const int64_t rest = n % panel, copied = packs ? n : rest % lanes != 0 ? rest : 0, in_place = n - copied;
  const int64_t whole = copied / panel * panel, last = copied - whole, last_width = round_up(last, lanes);
  const int64_t most_depth = std::min(depth, args.k);
  T* packed = copied ? scratch<T>(ScratchUse::gemm_packed, (whole + last_width) * most_depth) : nullptr;
  const bool copies_a = packs_a(args, n, panel);
  T* a_copy = copies_a ? scratch<T>(ScratchUse::gemm_row, std::min(block_rows, m) * most_depth) : nullptr;
  GemmBlock<T> block;
  block.a_row = args.a_row;
  block.a_col = args.a_col;
  block.c_row = args.c_row;
  for (int64_t p = 0; p < args.k; p += depth) {
    const int64_t k = block.k = std::min(depth, args.k - p);
    const bool ends = p + depth >= args.k;
    const T* b = args.b + p * args.b_row + j * args.b_col;
    for (int64_t from = 0; from < copied; from += panel) {
      const int64_t columns = std::min(panel, copied - from);
      kernels.pack(k, columns, b + (in_place + from) * args.b_col, args.b_row, args.b_col, packed + from * k,
                   round_up(columns, lanes));
    }
    block.accumulate = args.accumulate || p > 0;
    for (int64_t top = i; top < i + m; top += block_rows) {
      block.m = std::min(block_rows, i + m - top);
      block.a = args.a + top * args.a_row + p * args.a_col;
      if (copies_a) {
        copy_columns(block.a, args.a_col, block.m, k, a_copy);
        block.a = a_copy;
        block.a_col = block.m;
      }
      auto run = [&](const T* from, int64_t b_row, int64_t b_panel, int64_t column, int64_t columns) {
        if (columns == 0) return;
        block.n = columns;
        block.b = from;
        block.b_row = b_row;
        block.b_panel = b_panel;
        block.c = args.c + top * args.c_row + j + column;
        block.bias = ends && args.bias ? args.bias + j + column : nullptr;
        kernels.block(block);
      };
      run(b, args.b_row, panel, 0, in_place);
      run(packed, panel, k * panel, in_place, whole);
      if (last) run(packed + whole * k, last_width, 0, in_place + whole, last);
      if (ends && has_finish(args)) finish_piece(args, top, block.m, j, n);
    }
  }
}

/// All pieces of C; tasks [0, down * across) of a product.
template <class T> void grid_piece(const GemmArgs<T>& args, const Grid& grid, bool packs, int64_t task) {
  const int64_t i = task / grid.across * grid.rows, j = task % grid.across * grid.columns;
  gemm_piece<T>(args, packs, i, std::min(grid.rows, args.m - i), j, std::min(grid.columns, args.n - j));
}

/// Parts of K that are summed on their own and then added up in order: for a C too small to share.
template <class T> int64_t depth_splits(const GemmArgs<T>& args) {
  if (args.m * args.n > 32 * 1024 || args.k < 4 * depth) return 1;
  const int64_t by_work = args.m * args.n * args.k / (gemm_least_task / 2);
  return std::max<int64_t>(1, std::min({int64_t{16}, args.k / (2 * depth), by_work}));
}

}  // namespace

template <class T> void gemm_tiled(const GemmArgs<T>& args, bool threads) {
  const int64_t panel = isa_kernels().gemm.of<T>().panel;
  const bool packs = packs_b(args, panel);
  const int64_t splits = depth_splits(args);
  if (splits == 1) {
    const Grid grid = plan_grid(args, args.k, packs, 1);
    for_tasks(threads, grid.down * grid.across, [&](int64_t task) { grid_piece(args, grid, packs, task); });
    return;
  }
  const int64_t part_depth = round_up(ceil_div(args.k, splits), 8), parts = ceil_div(args.k, part_depth);
  const int64_t size = args.m * args.n;
  T* partial = scratch<T>(ScratchUse::gemm_partial, (parts - 1) * size);
  auto part_of = [&](int64_t part) {
    GemmArgs<T> product = args;
    product.a += part * part_depth * args.a_col;
    product.b += part * part_depth * args.b_row;
    product.k = std::min(part_depth, args.k - part * part_depth);
    product.bias = product.residual = nullptr;
    product.out = nullptr;
    product.activation = op::Activation::none;
    if (part > 0) {
      product.c = partial + (part - 1) * size;
      product.c_row = args.n;
      product.accumulate = false;
    }
    return product;
  };
  const Grid grid = plan_grid(args, part_depth, packs, parts);
  const int64_t pieces = grid.down * grid.across;
  for_tasks(threads, pieces * parts,
            [&](int64_t task) { grid_piece(part_of(task / pieces), grid, packs, task % pieces); });
  for_tasks(threads && parts * size >= 64 * 1024, ceil_div(args.m, 16), [&](int64_t task) {
    const int64_t i = task * 16, rows = std::min<int64_t>(16, args.m - i);
    add_parts(args, partial, parts - 1, i, rows);
    if (has_finish(args)) finish_piece(args, i, rows, 0, args.n);
  });
}

template void gemm_tiled<float>(const GemmArgs<float>&, bool);
template void gemm_tiled<double>(const GemmArgs<double>&, bool);

}  // namespace weft::cpu
