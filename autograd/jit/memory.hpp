#pragma once

#include <cstdint>
#include <vector>

#include <weft/autograd/jit/graph.hpp>

namespace weft::jit_graph {

/// Where the values of a graph live while it runs.
struct MemoryPlan {
  /// For each value its place in the arena, in bytes; -1 for those that live elsewhere: arguments, states, constants,
  /// results.
  std::vector<int64_t> offsets;
  int64_t arena_bytes = 0;
  int64_t bytes_without_reuse = 0;
  int written_over = 0;  ///< results that took the memory of an input
  /// For each state whether its new value may be written where the old one is.
  std::vector<bool> in_place;
};

/// Lifetimes of values packed into as little memory as best fit by size finds, an op's result over an input that
/// nobody needs afterwards where the primitive allows it.
MemoryPlan plan_memory(const Graph& graph);

}  // namespace weft::jit_graph
