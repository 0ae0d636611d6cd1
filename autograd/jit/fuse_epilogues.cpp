#include <weft/autograd/jit/passes.hpp>

#include <algorithm>
#include <optional>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/conv.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/core/backend.hpp>

namespace weft::jit_graph {
namespace {

template <class Op> const Op* as(const Node& node) {
  static const PrimitiveId id = primitive_id<Op>();
  return node.primitive && node.primitive->id() == id ? static_cast<const Op*>(node.op.get()) : nullptr;
}

std::optional<op::Activation> activation_of(const Node& node) {
  if (as<op::Relu>(node)) return op::Activation::relu;
  if (const auto* gelu = as<op::Gelu>(node))
    return gelu->approximate ? op::Activation::gelu_tanh : op::Activation::gelu_erf;
  if (as<op::Silu>(node)) return op::Activation::silu;
  if (as<op::Sigmoid>(node)) return op::Activation::sigmoid;
  if (as<op::Tanh>(node)) return op::Activation::tanh;
  return std::nullopt;
}

class Epilogues {
 public:
  Epilogues(Graph& graph, PassReport& report) : graph_(graph), report_(report) {}

  void run() {
    find_readers();
    replacement_.resize(graph_.nodes.size());
    gone_.assign(graph_.nodes.size(), false);
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (gone_[n]) continue;
      if (as<op::Linear>(graph_.nodes[n]) || as<op::Matmul>(graph_.nodes[n])) fuse_product(n);
      else if (as<op::Conv>(graph_.nodes[n])) fuse_conv(n);
    }
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (gone_[n]) continue;
      if (as<op::LayerNorm>(graph_.nodes[n])) fuse_norm(n);
      else if (as<op::LayerNormGrad>(graph_.nodes[n])) fuse_norm_grad(n);
    }
    std::vector<Node> nodes;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (replacement_[n]) nodes.push_back(std::move(*replacement_[n]));
      else if (!gone_[n]) nodes.push_back(std::move(graph_.nodes[n]));
    }
    graph_.nodes = std::move(nodes);
  }

 private:
  static constexpr size_t the_end = ~size_t{0};

  void find_readers() {
    readers_.resize(graph_.values.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n)
      for (const Use& use : graph_.nodes[n].inputs) readers_[static_cast<size_t>(use.value)].push_back(n);
    graph_.for_each_end([&](const Use& use) { readers_[static_cast<size_t>(use.value)].push_back(the_end); });
  }
  const std::vector<size_t>& readers(int value) const { return readers_[static_cast<size_t>(value)]; }

  template <class Op> bool has_kernel(const Node& node) const {
    const Value& value = graph_[node.outputs[0]];
    const KernelEntry* kernel = value.device.backend().kernels().find(primitive_id<Op>());
    return kernel && kernel->dtypes.contains(value.spec.dtype) && is_floating(value.spec.dtype);
  }

  /// The first node that reads `value`, when it is an activation of all of it.
  size_t activation_after(int value) const {
    if (readers(value).empty() || readers(value)[0] == the_end) return the_end;
    const size_t first = readers(value)[0];
    const Node& node = graph_.nodes[first];
    return !gone_[first] && activation_of(node) && graph_.is_whole(node.inputs[0]) ? first : the_end;
  }

  /// The node that adds something of the same shape to `value`, when nobody else reads that.
  size_t addition_after(int value, Use& other) const {
    if (readers(value).size() != 1 || readers(value)[0] == the_end) return the_end;
    const size_t n = readers(value)[0];
    const Node& node = graph_.nodes[n];
    if (gone_[n] || !as<op::Add>(node)) return the_end;
    const size_t own = node.inputs[0].value == value ? 0 : 1;
    other = node.inputs[1 - own];
    const bool alike = graph_.is_whole(node.inputs[own]) && Graph::is_row_major(other) &&
                       other.shape.elements() == graph_[value].spec.shape.elements() &&
                       graph_[node.outputs[0]].spec.shape.elements() == other.shape.elements();
    return alike && other.value != value ? n : the_end;
  }

  void fuse_product(size_t n) {
    Node& product = graph_.nodes[n];
    if (!has_kernel<op::FusedMatmul>(product)) return;
    const int made = product.outputs[0];
    const auto* linear = as<op::Linear>(product);
    op::FusedMatmul op{linear && linear->has_bias};
    std::vector<size_t> parts{n};
    int result = made;
    std::string name = product.name();
    if (const size_t act = activation_after(made); act != the_end) {
      op.activation = *activation_of(graph_.nodes[act]);
      op.keeps_product = readers(made).size() > 1;
      parts.push_back(act);
      result = graph_.nodes[act].outputs[0];
      name += " + " + graph_.nodes[act].name();
    }
    Use residual;
    if (const size_t sum = addition_after(result, residual); sum != the_end && stays_behind(op, made, sum)) {
      op.has_residual = true;
      parts.push_back(sum);
      result = graph_.nodes[sum].outputs[0];
      name += " + add";
    }
    if (parts.size() == 1) return;
    const Shape& shape = graph_[made].spec.shape;
    Node fused{&find_primitive(primitive_id<op::FusedMatmul>()),
               std::make_shared<const op::FusedMatmul>(op),
               product.inputs,
               {result},
               product.path,
               {}};
    if (op.has_residual) fused.inputs.push_back({residual.value, shape, row_major_strides(shape), residual.offset});
    if (op.keeps_product) fused.outputs.push_back(made);
    graph_[result].spec.shape = shape;
    replace(parts, std::move(fused), name);
  }

  /// Whether what else reads the product comes after node `place`, to where the product moves.
  bool stays_behind(const op::FusedMatmul& op, int product, size_t place) const {
    if (!op.keeps_product) return true;
    for (size_t i = 1; i < readers(product).size(); ++i)
      if (readers(product)[i] <= place) return false;
    return true;
  }

  void fuse_conv(size_t n) {
    Node& conv = graph_.nodes[n];
    const int made = conv.outputs[0];
    const size_t act = activation_after(made);
    if (act == the_end || readers(made).size() != 1 || !as<op::Relu>(graph_.nodes[act])) return;
    if (!has_kernel<op::FusedConv>(conv)) return;
    const auto& plain = *as<op::Conv>(conv);
    const int result = graph_.nodes[act].outputs[0];
    graph_[result].spec.shape = graph_[made].spec.shape;
    Node fused{
        &find_primitive(primitive_id<op::FusedConv>()),
        std::make_shared<const op::FusedConv>(op::FusedConv{plain.geometry, plain.has_bias, op::Activation::relu}),
        conv.inputs,
        {result},
        conv.path,
        {}};
    replace({n, act}, std::move(fused), conv.name() + " + " + graph_.nodes[act].name());
  }

  /// The node that made `value`, unless it has become part of another.
  size_t maker_of(int value) {
    if (makers_.empty()) {
      makers_.assign(graph_.values.size(), the_end);
      for (size_t n = 0; n < graph_.nodes.size(); ++n)
        for (int output : graph_.nodes[n].outputs) makers_[static_cast<size_t>(output)] = n;
    }
    const size_t n = makers_[static_cast<size_t>(value)];
    return n == the_end || gone_[n] ? the_end : n;
  }

  /// Whether a use covers a value in the shape of another.
  bool covers(const Use& use, const Shape& shape) const { return Graph::is_row_major(use) && use.shape == shape; }

  /// add, then layer norm of the sum: one node where the addition stands.
  void fuse_norm(size_t n) {
    const Node& norm = graph_.nodes[n];
    if (!has_kernel<op::AddLayerNorm>(norm)) return;
    const Use& x = norm.inputs[0];
    const size_t sum = maker_of(x.value);
    if (sum == the_end || !as<op::Add>(graph_.nodes[sum]) || !(x == graph_.whole(x.value))) return;
    const Node& addition = graph_.nodes[sum];
    for (const Use& use : addition.inputs)
      if (!covers(use, x.shape)) return;
    for (size_t i = 1; i < norm.inputs.size(); ++i)  // scale and bias have to be there already
      if (graph_[norm.inputs[i].value].source == Source::computed) return;
    Node fused{&find_primitive(primitive_id<op::AddLayerNorm>()),
               std::make_shared<const op::AddLayerNorm>(op::AddLayerNorm{*as<op::LayerNorm>(norm)}),
               addition.inputs,
               {x.value, norm.outputs[0]},
               norm.path,
               {}};
    fused.inputs.insert(fused.inputs.end(), norm.inputs.begin() + 1, norm.inputs.end());
    const std::string name = addition.name() + " + " + norm.name();
    replace({n, sum}, std::move(fused), name);
  }

  /// The gradient of a layer norm's input, added to what comes to it on other ways: one node where the addition stands.
  void fuse_norm_grad(size_t n) {
    const Node& grad = graph_.nodes[n];
    op::LayerNormGrad op = *as<op::LayerNormGrad>(grad);
    const int d_x = grad.outputs[0];
    Use other;
    const size_t sum = addition_after(d_x, other);
    if (op.passes || sum == the_end || !covers(other, graph_[d_x].spec.shape)) return;
    // Its other results are wanted after the addition only.
    for (size_t o = 1; o < grad.outputs.size(); ++o)
      for (size_t reader : readers(grad.outputs[o]))
        if (reader <= sum) return;
    op.passes = true;
    Node fused = grad;
    fused.op = std::make_shared<const op::LayerNormGrad>(op);
    fused.inputs.push_back(other);
    fused.outputs[0] = graph_.nodes[sum].outputs[0];
    replace({n, sum}, std::move(fused), grad.name() + " + add");
  }

  /// `parts` become one node where the last of them stands.
  void replace(const std::vector<size_t>& parts, Node fused, const std::string& name) {
    report_.fused.push_back(name + (fused.path.empty() ? "" : " (" + fused.path + ")"));
    for (size_t part : parts) gone_[part] = true;
    fused.label = name;
    replacement_[parts.back()] = std::move(fused);
  }

  Graph& graph_;
  PassReport& report_;
  std::vector<std::vector<size_t>> readers_;
  std::vector<std::optional<Node>> replacement_;
  std::vector<bool> gone_;
  std::vector<size_t> makers_;  // by value
};

}  // namespace

void fuse_epilogues(Graph& graph, PassReport& report) { Epilogues(graph, report).run(); }

}  // namespace weft::jit_graph
