#include <weft/backends/cpu/reduce_axes.hpp>

#include <algorithm>
#include <limits>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Elements that a task should read.
constexpr int64_t task_size = 32768;

/// Partial results of squares are summed.
Reduction second_stage(Reduction kind) { return kind == Reduction::sum_squares ? Reduction::sum : kind; }

template <class T> T identity(Reduction kind) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  if (kind == Reduction::max) return -infinity;
  if (kind == Reduction::min) return infinity;
  return kind == Reduction::product ? T(1) : T(0);
}

template <class T> void reduce_last(Reduction kind, const T* x, int64_t rows, int64_t n, T* y) {
  const auto& kernels = isa_kernels().reduce.of<T>();
  const auto run = kernels.rows[static_cast<int>(kind)];
  if (n < 2 * task_size) {
    parallel_chunks(rows, std::max<int64_t>(1, task_size / n),
                    [&](int64_t begin, int64_t end) { run(x + begin * n, end - begin, n, n, y + begin); });
    return;
  }
  const int64_t parts = (n + task_size - 1) / task_size;
  T* partial = scratch<T>(ScratchUse::reduce, rows * parts);
  parallel_for(rows * parts, [&](int64_t task) {
    const int64_t row = task / parts, begin = task % parts * task_size;
    run(x + row * n + begin, 1, std::min(task_size, n - begin), n, partial + task);
  });
  kernels.rows[static_cast<int>(second_stage(kind))](partial, rows, parts, parts, y);
}

}  // namespace

template <class T> void reduce_axis(Reduction kind, const T* x, int64_t outer, int64_t n, int64_t inner, T* y) {
  if (outer <= 0 || inner <= 0) return;
  if (n <= 0) {
    std::fill_n(y, outer * inner, identity<T>(kind));
    return;
  }
  if (inner == 1) return reduce_last(kind, x, outer, n, y);
  const auto& kernels = isa_kernels().reduce.of<T>();
  const auto run = kernels.columns[static_cast<int>(kind)];
  if (n * inner < 2 * task_size) {
    parallel_chunks(outer, std::max<int64_t>(1, task_size / (n * inner)), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) run(x + o * n * inner, n, inner, inner, y + o * inner);
    });
    return;
  }
  // Columns are split when they are many, rows when they are long; partial rows are joined in order.
  const int64_t width = std::min<int64_t>(inner, 1024), across = (inner + width - 1) / width;
  const int64_t rows = std::max<int64_t>(64, task_size / width), parts = (n + rows - 1) / rows;
  T* partial = parts > 1 ? scratch<T>(ScratchUse::reduce, outer * parts * inner) : y;
  parallel_for(outer * parts * across, [&](int64_t task) {
    const int64_t column = task % across * width, part = task / across % parts, o = task / across / parts;
    run(x + (o * n + part * rows) * inner + column, std::min(rows, n - part * rows), std::min(width, inner - column),
        inner, partial + (o * parts + part) * inner + column);
  });
  if (parts == 1) return;
  const auto join = kernels.columns[static_cast<int>(second_stage(kind))];
  for (int64_t o = 0; o < outer; ++o) join(partial + o * parts * inner, parts, inner, inner, y + o * inner);
}

template void reduce_axis<float>(Reduction, const float*, int64_t, int64_t, int64_t, float*);
template void reduce_axis<double>(Reduction, const double*, int64_t, int64_t, int64_t, double*);

}  // namespace weft::cpu
