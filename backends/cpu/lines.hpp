#pragma once

#include <algorithm>
#include <cstdint>

#include <weft/core/axis_lines.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {

using Lines = AxisLines;

/// How many of `lines` pieces of `cost` elements make a task.
inline int64_t lines_per_task(int64_t cost) { return cost >= 16384 ? 1 : 16384 / (cost > 0 ? cost : 1); }

/// Calls f(outer begin, outer count, inner begin, inner count) for blocks of lines, on several threads: whole arrays
/// [n, inner] while these are small, else strips of their columns.
template <class F> void parallel_lines(const Lines& lines, F&& f) {
  constexpr int64_t strip = 64;
  if (lines.inner <= strip || lines.n * lines.inner <= 16384) {
    parallel_chunks(lines.outer, lines_per_task(lines.n * lines.inner),
                    [&](int64_t begin, int64_t end) { f(begin, end - begin, int64_t{0}, lines.inner); });
    return;
  }
  const int64_t strips = (lines.inner + strip - 1) / strip;
  parallel_for(lines.outer * strips, [&](int64_t task) {
    const int64_t first = task % strips * strip;
    f(task / strips, int64_t{1}, first, std::min(strip, lines.inner - first));
  });
}

}  // namespace weft::cpu
