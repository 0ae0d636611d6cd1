#include <weft/autograd/jit/passes.hpp>

#include <algorithm>
#include <map>

#include <weft/autograd/ops/fused_elementwise.hpp>
#include <weft/core/backend.hpp>

namespace weft::jit_graph {
namespace {

/// Nodes that will run as one, where the first of them stands: whatever the later ones read beside each other's
/// results is there by then.
struct Group {
  Shape shape;
  Device device;
  std::vector<size_t> nodes;
  std::vector<Use> inputs;
};

class Fusion {
 public:
  Fusion(Graph& graph, PassReport& report) : graph_(graph), report_(report), made_by_(graph.values.size(), -1) {}

  void run() {
    find_groups();
    rewrite();
  }

 private:
  bool fits(const Node& node) const {
    if (!node.primitive || !node.primitive->elementwise || node.outputs.size() != 1 || node.inputs.size() > 4)
      return false;
    const KernelTable& table = graph_[node.outputs[0]].device.backend().kernels();
    const KernelEntry* kernel = table.find(node.primitive->id());
    return kernel->tiled && table.find(primitive_id<op::FusedElementwise>());
  }

  /// The place at which a use is there: before every node, or after the one that made it.
  int place_of(const Use& use) const { return made_by_[static_cast<size_t>(use.value)]; }

  bool is_result_of(const Group& group, const Use& use) const {
    for (size_t n : group.nodes)
      if (graph_.nodes[n].outputs[0] == use.value) return true;
    return false;
  }

  /// Whether the node may run in the group, and what the group's inputs would then be.
  bool joins(const Node& node, const Group& group, std::vector<Use>& inputs) const {
    const Value& result = graph_[node.outputs[0]];
    if (!(result.spec.shape == group.shape) || !(result.device == group.device)) return false;
    if (group.nodes.size() >= most_program_length) return false;
    const int start = static_cast<int>(group.nodes.front());
    inputs = group.inputs;
    for (const Use& use : node.inputs) {
      if (is_result_of(group, use)) {
        if (!(use == graph_.whole(use.value))) return false;
        continue;
      }
      // What other groups make is there when their first node stands before this group's.
      if (place_of(use) >= start) return false;
      if (!std::count(inputs.begin(), inputs.end(), use)) inputs.push_back(use);
    }
    return inputs.size() <= most_program_inputs;
  }

  void find_groups() {
    group_of_.assign(graph_.nodes.size(), -1);
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      int place = static_cast<int>(n);
      if (fits(node)) {
        int chosen = -1;
        std::vector<Use> inputs;
        // The group of the latest of its inputs.
        for (const Use& use : node.inputs) {
          const int made = made_in_.count(use.value) ? made_in_[use.value] : -1;
          if (made > chosen && joins(node, groups_[static_cast<size_t>(made)], inputs)) chosen = made;
        }
        if (chosen < 0) {
          chosen = static_cast<int>(groups_.size());
          groups_.push_back({graph_[node.outputs[0]].spec.shape, graph_[node.outputs[0]].device, {}, {}});
        }
        Group& group = groups_[static_cast<size_t>(chosen)];
        if (group.nodes.empty()) {
          for (const Use& use : node.inputs)
            if (!std::count(group.inputs.begin(), group.inputs.end(), use)) group.inputs.push_back(use);
        } else {
          joins(node, group, inputs);
          group.inputs = inputs;
        }
        group.nodes.push_back(n);
        group_of_[n] = chosen;
        made_in_[node.outputs[0]] = chosen;
        place = static_cast<int>(group.nodes.front());
      }
      for (int output : node.outputs) made_by_[static_cast<size_t>(output)] = place;
    }
  }

  void rewrite() {
    std::vector<int> readers(graph_.values.size(), 0);
    graph_.for_each_use([&](const Use& use) { ++readers[static_cast<size_t>(use.value)]; });
    std::vector<Node> nodes;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Group* group = group_of_[n] < 0 ? nullptr : &groups_[static_cast<size_t>(group_of_[n])];
      if (!group || group->nodes.size() == 1) {
        nodes.push_back(std::move(graph_.nodes[n]));
      } else if (group->nodes.front() == n) {
        nodes.push_back(fused(*group, readers));
      }
    }
    graph_.nodes = std::move(nodes);
  }

  Node fused(const Group& group, const std::vector<int>& readers) {
    ElementwiseProgram program;
    Node node{&find_primitive(primitive_id<op::FusedElementwise>()), nullptr, group.inputs, {}, {}, {}};
    for (const Use& use : group.inputs) program.inputs.push_back(graph_[use.value].spec.dtype);
    std::map<int, int> made;    // value to instruction
    std::map<int, int> inside;  // its uses within the group
    for (size_t n : group.nodes) {
      Node& part = graph_.nodes[n];
      ElementwiseProgram::Instruction instruction{
          part.primitive->id(), part.op, {}, graph_[part.outputs[0]].spec.dtype, {}, {}, -1};
      for (const Use& use : part.inputs) {
        auto found = made.find(use.value);
        if (found != made.end()) {
          instruction.inputs.push_back(~found->second);
          ++inside[use.value];
        } else {
          auto place = std::find(group.inputs.begin(), group.inputs.end(), use);
          instruction.inputs.push_back(static_cast<int>(place - group.inputs.begin()));
        }
      }
      made[part.outputs[0]] = static_cast<int>(program.instructions.size());
      program.instructions.push_back(std::move(instruction));
      if (node.path.empty()) node.path = part.path;
    }
    for (size_t n : group.nodes) {
      const int value = graph_.nodes[n].outputs[0];
      if (readers[static_cast<size_t>(value)] == inside[value]) continue;
      program.outputs.push_back(made[value]);
      node.outputs.push_back(value);
    }
    program = program.prepared(program.inputs);
    report_.fused_elementwise += static_cast<int>(group.nodes.size());
    ++report_.elementwise_groups;
    report_.fused.push_back(program.name() + (node.path.empty() ? "" : " (" + node.path + ")"));
    node.label = program.name();
    op::FusedElementwise op{std::make_shared<const ElementwiseProgram>(std::move(program)), group.shape};
    node.op = std::make_shared<const op::FusedElementwise>(std::move(op));
    return node;
  }

  Graph& graph_;
  PassReport& report_;
  std::vector<int> made_by_;    // by value: its place
  std::map<int, int> made_in_;  // by value: its group
  std::vector<int> group_of_;
  std::vector<Group> groups_;
};

}  // namespace

void fuse_elementwise(Graph& graph, PassReport& report) { Fusion(graph, report).run(); }

}  // namespace weft::jit_graph
