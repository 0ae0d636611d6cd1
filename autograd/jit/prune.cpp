#include <weft/autograd/jit/passes.hpp>

#include <unordered_map>

namespace weft::jit_graph {
namespace {

bool same(const Node& a, const Node& b, const Graph& graph) {
  if (a.primitive != b.primitive || !(a.inputs == b.inputs)) return false;
  if (!(graph[a.outputs[0]].device == graph[b.outputs[0]].device)) return false;
  return !a.primitive || a.primitive->equal(a.op.get(), b.op.get());
}

size_t hash_of(const Node& node) {
  size_t hash = node.primitive ? static_cast<size_t>(node.primitive->id()) + 1 : 0;
  for (const Use& use : node.inputs)
    hash = hash * 0x9E3779B97F4A7C15u + static_cast<size_t>(use.value) * 31 + static_cast<size_t>(use.offset);
  return hash;
}

}  // namespace

void remove_repeated(Graph& graph, PassReport& report) {
  std::vector<int> now(graph.values.size());
  for (size_t i = 0; i < now.size(); ++i) now[i] = static_cast<int>(i);
  auto rename = [&](Use& use) { use.value = now[static_cast<size_t>(use.value)]; };
  std::unordered_map<size_t, std::vector<size_t>> seen;
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    for (Use& use : node.inputs) rename(use);
    std::vector<size_t>& alike = seen[hash_of(node)];
    const Node* twin = nullptr;
    for (size_t i : alike)
      if (!twin && same(kept[i], node, graph)) twin = &kept[i];
    if (twin) {
      for (size_t i = 0; i < node.outputs.size(); ++i) now[static_cast<size_t>(node.outputs[i])] = twin->outputs[i];
      ++report.repeated;
      continue;
    }
    alike.push_back(kept.size());
    kept.push_back(std::move(node));
  }
  graph.nodes = std::move(kept);
  graph.for_each_end(rename);
}

void remove_dead(Graph& graph, PassReport& report) {
  std::vector<bool> needed(graph.values.size(), false);
  graph.for_each_end([&](const Use& use) { needed[static_cast<size_t>(use.value)] = true; });
  std::vector<Node> kept;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    Node& node = graph.nodes[i];
    bool live = false;
    for (int output : node.outputs) live = live || needed[static_cast<size_t>(output)];
    if (!live) {
      ++report.dead;
      continue;
    }
    for (const Use& use : node.inputs) needed[static_cast<size_t>(use.value)] = true;
    kept.push_back(std::move(node));
  }
  graph.nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

}  // namespace weft::jit_graph
