#pragma once

#include <vector>

#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/reduce_block.hpp>
#include <weft/backends/cuda/reduce_folds.hpp>
#include <weft/backends/cuda/workspace.hpp>
#include <weft/core/reduce_stages.hpp>

// Reductions of contiguous [outer, n, inner] over the middle axis, by a fold (reduce_folds.hpp). Long axes are cut into
// parts, whose totals are reduced in turn; how depends on the shape alone.

namespace weft::cuda {

/// One step: `length` neighbours of the middle axis at a time, [outer, n, inner] -> [outer, parts, inner].
struct ReduceStep {
  int64_t outer, n, inner, length, parts;

  WEFT_HOST_DEVICE bool by_rows() const { return inner == 1 && n >= warp_size; }
  WEFT_HOST_DEVICE int64_t results() const { return outer * parts * inner; }
};

inline ReduceStep reduce_step(int64_t outer, int64_t n, int64_t inner) {
  ReduceStep step{outer, n, inner, n, 1};
  const int64_t lines = outer * inner;
  auto ceil = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  int64_t parts = 1;
  if (step.by_rows()) {
    constexpr int64_t long_row = 4096, enough_blocks = 1024;
    if (n > long_row && lines > 0 && lines < enough_blocks)
      parts = std::min(ceil(n, long_row), ceil(enough_blocks, lines));
  } else {
    constexpr int64_t long_column = 64, enough_threads = int64_t{1} << 16;
    if (n >= long_column && lines > 0 && lines < enough_threads)
      parts = std::min(ceil(n, long_column / 2), ceil(enough_threads, lines));
  }
  if (parts > 1) {
    step.length = ceil(n, parts);
    step.parts = ceil(n, step.length);
  }
  return step;
}

/// From is the element type, or the fold's totals of a step before; To its result, or totals for the next step.
template <class Fold, class From, class To> struct ReduceKernel {
  using Total = typename Fold::Total;
  const From* x;
  To* y;
  ReduceStep step;
  bool first, last;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (step.by_rows()) row(thread);
    else columns(thread);
  }

 private:
  WEFT_DEVICE Total load(int64_t at, int64_t place) const {
    if constexpr (std::is_same_v<From, Total>) {
      if (!first) return x[at];
    }
    if constexpr (std::is_invocable_v<decltype(Fold::load), From, int64_t>) return Fold::load(x[at], place);
    else return Fold::start();
  }
  WEFT_DEVICE void store(int64_t at, const Total& total) const {
    if constexpr (std::is_same_v<To, Total>) {
      if (!last) {
        y[at] = total;
        return;
      }
    }
    if constexpr (std::is_same_v<To, typename Fold::Result>) y[at] = Fold::finish(total);
  }
  /// A block for each part of a row.
  WEFT_DEVICE void row(const Thread& thread) const {
    const int64_t line = thread.block() / step.parts, begin = thread.block() % step.parts * step.length;
    const int64_t end = begin + step.length < step.n ? begin + step.length : step.n;
    Total total = Fold::start();
    for (int64_t i = begin + thread.index(); i < end; i += thread.block_size())
      total = Fold::combine(total, load(line * step.n + i, i));
    total = reduce_block(thread, total, [](const Total& a, const Total& b) { return Fold::combine(a, b); });
    if (thread.index() == 0) store(thread.block(), total);
  }
  /// A thread for each part of a column.
  WEFT_DEVICE void columns(const Thread& thread) const {
    for (int64_t t = thread.global_index(); t < step.results(); t += thread.global_size()) {
      const int64_t column = t % step.inner, part = t / step.inner % step.parts, o = t / step.inner / step.parts;
      const int64_t begin = part * step.length;
      const int64_t end = begin + step.length < step.n ? begin + step.length : step.n;
      Total total = Fold::start();
      for (int64_t i = begin; i < end; ++i)
        total = Fold::combine(total, load((o * step.n + i) * step.inner + column, i));
      store(t, total);
    }
  }
};

template <class Fold, class From, class To>
void run_reduce_step(const From* x, To* y, const ReduceStep& step, bool first, bool last) {
  const ReduceKernel<Fold, From, To> kernel{x, y, step, first, last};
  if (!step.by_rows()) return launch(kernel, blocks_for(step.results()), usual_threads);
  const int threads = threads_for_row(step.length);
  launch_blocks(kernel, step.results(), threads, reduce_bytes<typename Fold::Total>(threads));
}

/// Runs the stages one after the other, from x to y; totals between are kept on `device`.
template <class Fold, class T>
void reduce_stages_by(const T* x, typename Fold::Result* y, const ReduceStages& stages, Device device) {
  using Total = typename Fold::Total;
  std::vector<ReduceStep> steps;
  for (int i = 0; i < stages.count; ++i) {
    const ReduceStage& stage = stages.list[static_cast<size_t>(i)];
    steps.push_back(reduce_step(stage.outer, stage.n, stage.inner));
    while (steps.back().parts > 1) steps.push_back(reduce_step(stage.outer, steps.back().parts, stage.inner));
  }
  if (steps.size() == 1) return run_reduce_step<Fold>(x, y, steps[0], true, true);
  Workspace<Total> from(device, steps[0].results());
  run_reduce_step<Fold>(x, from.data(), steps[0], true, false);
  for (size_t i = 1; i + 1 < steps.size(); ++i) {
    Workspace<Total> to(device, steps[i].results());
    run_reduce_step<Fold>(static_cast<const Total*>(from.data()), to.data(), steps[i], false, false);
    from = to;
  }
  run_reduce_step<Fold>(static_cast<const Total*>(from.data()), y, steps.back(), false, true);
}

}  // namespace weft::cuda
