#pragma once

#include <array>

#include <weft/core/shape.hpp>

namespace weft {

/// A reduction over neighbouring axes: [outer, n, inner] becomes [outer, inner].
struct ReduceStage {
  int64_t outer, n, inner;
};

struct ReduceStages {
  std::array<ReduceStage, Shape::max_rank> list;
  int count = 0;
};

/// Runs of neighbouring axes, each reduced by a stage of its own, the innermost first. One stage at least, which may
/// have nothing to reduce.
inline ReduceStages reduce_stages(const Shape& shape, const Shape& axes) {
  ReduceStages stages;
  int64_t inner = 1;
  for (int axis = shape.rank() - 1, next = axes.rank() - 1; axis >= 0; --axis) {
    if (next < 0 || axes[next] != axis) {
      inner *= shape[axis];
      continue;
    }
    int64_t n = 1;
    for (; next >= 0 && axes[next] == axis; --next, --axis) n *= shape[axis];
    ++axis;
    stages.list[static_cast<size_t>(stages.count++)] = {shape.slice(0, axis).elements(), n, inner};
  }
  if (stages.count == 0) stages.list[static_cast<size_t>(stages.count++)] = {shape.elements(), 1, 1};
  return stages;
}

}  // namespace weft
