#pragma once

#include <string>
#include <vector>

#include <weft/autograd/jit/graph.hpp>

namespace weft::jit_graph {

/// What the passes did, for describe().
struct PassReport {
  int traced = 0, repeated = 0, dead = 0, fused_elementwise = 0, elementwise_groups = 0;
  std::vector<std::string> fused;  ///< `linear + gelu (ffn.up)`, one for each epilogue and each chain
};

/// Ops that do the same to the same become one.
void remove_repeated(Graph& graph, PassReport& report);
/// Ops that neither the results nor the state depend on go.
void remove_dead(Graph& graph, PassReport& report);
/// What the dispatcher does on the way to a kernel becomes ops of its own: copies to row-major memory, and half types
/// through float32, wherever the backend's kernel wants it.
void lower(Graph& graph);
/// Products and convolutions take on what follows them: bias, activation, residual; sums before layer norms join them.
void fuse_epilogues(Graph& graph, PassReport& report);
/// Chains of elementwise ops of one shape become one pass.
void fuse_elementwise(Graph& graph, PassReport& report);
/// Every result and every state gets memory that nothing else lives in, by copies where ops alone do not see to it.
void separate_ends(Graph& graph);

}  // namespace weft::jit_graph
