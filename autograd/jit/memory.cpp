#include <weft/autograd/jit/memory.hpp>

#include <algorithm>

#include <weft/autograd/ops/fused_elementwise.hpp>

namespace weft::jit_graph {
namespace {

constexpr int64_t alignment = 64;

struct Lifetime {
  int first = -1, last = -1;  ///< nodes that write and last read it
  bool overlaps(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

class Planner {
 public:
  explicit Planner(const Graph& graph)
      : graph_(graph),
        lifetimes_(graph.values.size()),
        outside_(graph.values.size(), false),
        home_(graph.values.size()) {
    plan_.offsets.assign(graph.values.size(), -1);
    plan_.in_place.assign(graph.states.size(), false);
    for (size_t i = 0; i < home_.size(); ++i) home_[i] = static_cast<int>(i);
  }

  MemoryPlan run() {
    find_lifetimes();
    find_states_in_place();
    write_over_inputs();
    pack();
    return std::move(plan_);
  }

 private:
  Lifetime& lifetime(int value) { return lifetimes_[static_cast<size_t>(value)]; }
  int64_t bytes(int value) const {
    const Spec& spec = graph_[value].spec;
    return spec.shape.elements() * size_of(spec.dtype);
  }

  void find_lifetimes() {
    const int count = static_cast<int>(graph_.nodes.size());
    for (int n = 0; n < count; ++n) {
      const Node& node = graph_.nodes[static_cast<size_t>(n)];
      for (const Use& use : node.inputs) lifetime(use.value).last = n;
      for (int output : node.outputs) lifetime(output) = {n, n};
    }
    auto end = [&](const Use& use) {
      lifetime(use.value).last = count;
      outside_[static_cast<size_t>(use.value)] = true;
    };
    for (const State& state : graph_.states)
      if (state.after.value >= 0) end(state.after);
    for (const Use& use : graph_.results) end(use);
  }

  /// Whether output `o` of node `n` may be written where `value` is: the last to read it, and only as it lies.
  bool may_overwrite(const Node& node, int n, size_t o, int value) {
    if (!node.primitive || lifetime(value).last != n) return false;
    const Spec& result = graph_[node.outputs[o]].spec;
    if (!(graph_[value].device == graph_[node.outputs[o]].device) || bytes(value) != bytes(node.outputs[o]) ||
        size_of(graph_[value].spec.dtype) != size_of(result.dtype))
      return false;
    const auto inputs = static_cast<int>(node.inputs.size());
    const int named = node.primitive->overwrites(node.op.get(), static_cast<int>(o), inputs);
    bool found = false;
    for (int i = 0; i < inputs; ++i) {
      const Use& use = node.inputs[static_cast<size_t>(i)];
      if (use.value != value) continue;
      const bool fits = i == named || (use.shape == result.shape && reads_in_step(node, o, i));
      if (!fits || !graph_.is_whole(use)) return false;
      found = true;
    }
    return found;
  }

  /// Whether an element of input `i` is read before the same element of output `o` is written, and not again.
  static bool reads_in_step(const Node& node, size_t o, int i) {
    static const PrimitiveId fused = primitive_id<op::FusedElementwise>();
    if (node.primitive->id() == fused)
      return static_cast<const op::FusedElementwise*>(node.op.get())->program->may_overwrite(o, i);
    return node.primitive->elementwise;
  }

  void find_states_in_place() {
    for (size_t s = 0; s < graph_.states.size(); ++s) {
      const State& state = graph_.states[s];
      if (state.before < 0 || state.after.value < 0) continue;
      if (!(graph_[state.before].spec == graph_[state.after.value].spec)) continue;
      const int writer = lifetime(state.after.value).first;
      bool fits = lifetime(state.before).last < writer;
      if (!fits && writer >= 0) {
        const Node& node = graph_.nodes[static_cast<size_t>(writer)];
        for (size_t o = 0; o < node.outputs.size(); ++o)
          if (node.outputs[o] == state.after.value) fits = may_overwrite(node, writer, o, state.before);
      }
      plan_.in_place[s] = fits;
    }
  }

  void write_over_inputs() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      std::vector<int> taken;
      for (size_t o = 0; o < node.outputs.size(); ++o) {
        const int output = node.outputs[o];
        if (outside_[static_cast<size_t>(output)]) continue;
        for (const Use& use : node.inputs) {
          const int value = use.value;
          if (graph_[value].source != Source::computed || outside_[static_cast<size_t>(value)]) continue;
          if (std::count(taken.begin(), taken.end(), value) || !may_overwrite(node, static_cast<int>(n), o, value))
            continue;
          home_[static_cast<size_t>(output)] = home_[static_cast<size_t>(value)];
          taken.push_back(value);
          ++plan_.written_over;
          break;
        }
      }
    }
    for (size_t value = 0; value < home_.size(); ++value)
      if (home_[value] != static_cast<int>(value)) {
        Lifetime& home = lifetime(home_[value]);
        home.last = std::max(home.last, lifetimes_[value].last);
      }
  }

  void pack() {
    std::vector<int> order;
    for (size_t i = 0; i < home_.size(); ++i) {
      const auto value = static_cast<int>(i);
      if (graph_[value].source != Source::computed || outside_[i] || lifetimes_[i].first < 0) continue;
      plan_.bytes_without_reuse += bytes(value);
      if (home_[i] == value) order.push_back(value);
    }
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return bytes(a) > bytes(b); });
    struct Block {
      int64_t begin, end;
      int value;
    };
    std::vector<Block> placed;  // by begin
    for (int value : order) {
      const int64_t size = std::max<int64_t>(1, (bytes(value) + alignment - 1) / alignment) * alignment;
      // The smallest gap that is large enough, among the blocks that live at the same time.
      int64_t best = -1, best_gap = 0, free_from = 0;
      for (const Block& block : placed) {
        if (!lifetime(block.value).overlaps(lifetime(value))) continue;
        const int64_t gap = block.begin - free_from;
        if (gap >= size && (best < 0 || gap < best_gap)) best = free_from, best_gap = gap;
        free_from = std::max(free_from, block.end);
      }
      if (best < 0) best = free_from;
      const Block block{best, best + size, value};
      placed.insert(std::upper_bound(placed.begin(), placed.end(), block,
                                     [](const Block& a, const Block& b) { return a.begin < b.begin; }),
                    block);
      plan_.offsets[static_cast<size_t>(value)] = best;
      plan_.arena_bytes = std::max(plan_.arena_bytes, block.end);
    }
    for (size_t i = 0; i < home_.size(); ++i)
      if (home_[i] != static_cast<int>(i)) plan_.offsets[i] = plan_.offsets[static_cast<size_t>(home_[i])];
  }

  const Graph& graph_;
  std::vector<Lifetime> lifetimes_;
  std::vector<bool> outside_;
  std::vector<int> home_;  // the value whose memory a value shares
  MemoryPlan plan_;
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph) { return Planner(graph).run(); }

}  // namespace weft::jit_graph
