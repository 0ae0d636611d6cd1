#include <weft/autograd/jit/passes.hpp>

#include <unordered_set>

#include <weft/autograd/ops/cast.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

namespace weft::jit_graph {
namespace {

/// A copy or cast, whose input may lie anyhow.
template <class Op>
Node unary_node(const Op& op, const Use& input, int output, Device device, const std::string& path) {
  const KernelEntry* kernel = device.backend().kernels().find(primitive_id<Op>());
  if (!kernel || !kernel->strided)
    throw DeviceError("jit: expected backend '" + device.backend().name() + "' to have a kernel for " +
                      std::string(Op::name) + " that takes strided inputs");
  return {&find_primitive(primitive_id<Op>()), std::make_shared<const Op>(op), {input}, {output}, path, {}};
}

class Lowering {
 public:
  explicit Lowering(Graph& graph) : graph_(graph) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (node.primitive) lower_node(node);
      else ready_.push_back(std::move(node));
    }
    graph_.nodes = std::move(ready_);
  }

 private:
  void lower_node(Node& node) {
    const Device device = graph_[node.outputs[0]].device;
    const KernelEntry& kernel = *device.backend().kernels().find(node.primitive->id());
    bool narrowed = false;
    for (Use& use : node.inputs) {
      const DType dtype = graph_[use.value].spec.dtype;
      if (!kernel.dtypes.contains(dtype)) {
        if (!is_half(dtype) || !kernel.dtypes.contains(DType::float32))
          throw DTypeError(node.primitive->name() + ": backend '" + device.backend().name() + "' has no kernel for " +
                           std::string(name_of(dtype)));
        const int wide = graph_.add_computed({use.shape, DType::float32}, device);
        ready_.push_back(unary_node(op::Cast{DType::float32}, use, wide, device, node.path));
        use = graph_.whole(wide);
        narrowed = true;
      } else if (!kernel.strided && !Graph::is_row_major(use)) {
        const int dense = graph_.add_computed(graph_.spec(use), device);
        ready_.push_back(unary_node(op::Copy{}, use, dense, device, node.path));
        use = graph_.whole(dense);
      }
    }
    std::vector<Node> after;
    for (int& output : node.outputs) {
      const Spec spec = graph_[output].spec;
      if (!narrowed || !is_half(spec.dtype)) continue;
      const int wide = graph_.add_computed({spec.shape, DType::float32}, device);
      after.push_back(unary_node(op::Cast{spec.dtype}, graph_.whole(wide), output, device, node.path));
      output = wide;
    }
    ready_.push_back(std::move(node));
    for (Node& cast : after) ready_.push_back(std::move(cast));
  }

  Graph& graph_;
  std::vector<Node> ready_;
};

}  // namespace

void lower(Graph& graph) { Lowering(graph).run(); }

void separate_ends(Graph& graph) {
  std::unordered_set<int> taken;
  graph.for_each_end([&](Use& use) {
    const bool own =
        graph[use.value].source == Source::computed && graph.is_whole(use) && taken.insert(use.value).second;
    if (own && use.shape == graph[use.value].spec.shape) return;
    const Device device = graph[use.value].device;
    const int copy = graph.add_computed(graph.spec(use), device);
    graph.nodes.push_back(unary_node(op::Copy{}, use, copy, device, ""));
    use = graph.whole(copy);
    taken.insert(copy);
  });
}

}  // namespace weft::jit_graph
