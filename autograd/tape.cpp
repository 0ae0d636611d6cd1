#include <weft/autograd/tape.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

thread_local bool recording = false;
thread_local bool nan_mode = false;
thread_local TrackedInputListener* input_listener = nullptr;
thread_local OpListener* op_listener = nullptr;
std::atomic<uint64_t> next_number{1};

/// Nodes whose last owner has gone, on this thread. Deleting one may release others, which queue up here instead of
/// recursing: a chain of a million nodes must not overflow the stack.
thread_local std::vector<TapeNode*> released;
thread_local bool releasing = false;

/// Numbers for nodes, in the order in which they are met; open addressing, with a power of two of places.
class NodeNumbers {
 public:
  NodeNumbers() : places_(64) {}

  /// Adds the node when it is new. Second: whether it was.
  std::pair<uint32_t, bool> number(TapeNode* node) {
    Place& place = find(node);
    if (place.node) return {place.number, false};
    place = {node, count_};
    if (2 * ++count_ > places_.size()) grow();
    return {count_ - 1, true};
  }
  /// The node's number, or `none`.
  uint32_t at(TapeNode* node) { return node ? find(node).number : none; }

  static constexpr uint32_t none = ~uint32_t{0};

 private:
  struct Place {
    TapeNode* node = nullptr;
    uint32_t number = none;
  };

  Place& find(TapeNode* node) {
    size_t i = reinterpret_cast<uintptr_t>(node) / 64 * 0x9E3779B97F4A7C15u >> 20;
    while (places_[i & (places_.size() - 1)].node && places_[i & (places_.size() - 1)].node != node) ++i;
    return places_[i & (places_.size() - 1)];
  }
  void grow() {
    SmallVector<Place, 64> before(4 * places_.size());
    std::swap(before, places_);
    for (const Place& place : before)
      if (place.node) find(place.node) = place;
  }

  SmallVector<Place, 64> places_;
  uint32_t count_ = 0;
};

/// One node of a backward walk.
struct Visit {
  Ref<TapeNode> node;
  SmallVector<Tensor, 1> cotangents;  // for each output; undefined until one arrives
  size_t first_edge = 0;              // of its inputs' edges
  bool is_target = false, leads_to_target = false;
};

/// Where the gradient of an input goes.
struct Edge {
  uint32_t visit = NodeNumbers::none;
  int output = 0;
};

class Walk {
 public:
  Walk(const Tensors& outputs, const Tensors& targets) {
    uint64_t first = ~uint64_t{0};
    for (const Tensor& target : targets)
      if (target.node()) first = std::min(first, target.node()->number());
    // Whatever is older than every target cannot lead to one.
    auto reach = [&](const Tensor& tensor) {
      if (!tensor.node() || tensor.node()->number() < first) return Edge{};
      auto [number, is_new] = numbers_.number(tensor.node());
      if (is_new) visits_.push_back({tensor.node_ref(), {}});
      return Edge{number, tensor.node_output()};
    };
    for (const Tensor& target : targets)
      if (target.node()) visits_[reach(target).visit].is_target = true;
    for (const Tensor& output : outputs) reach(output);
    for (size_t i = 0; i < visits_.size(); ++i) {
      TapeNode& node = *visits_[i].node;
      visits_[i].cotangents.resize(node.output_specs.size());
      visits_[i].first_edge = edges_.size();
      visits_[i].leads_to_target = visits_[i].is_target;
      order_.push_back({node.number(), static_cast<uint32_t>(i)});
      if (visits_[i].is_target) continue;
      if (node.spent())
        throw StateError(node.name() +
                         ": its gradient was computed already, and what it needs is freed; set retain on "
                         "the pullback to run it again");
      for (const Tensor& input : node.inputs) {
        Edge edge = reach(input);
        edges_.push_back(edge);
      }
    }
    std::sort(order_.begin(), order_.end());
    for (auto [number, i] : order_)  // oldest first
      for (size_t k = 0; k < edge_count(visits_[i]); ++k) visits_[i].leads_to_target |= leads(visits_[i], k);
  }

  void add(const Tensor& tensor, const Tensor& cotangent) {
    const Edge edge{numbers_.at(tensor.node()), tensor.node() ? tensor.node_output() : 0};
    if (edge.visit != NodeNumbers::none) add(edge, cotangent, nullptr);
  }

  void run(bool retain) {
    for (size_t k = order_.size(); k-- > 0;) {
      Visit& visit = visits_[order_[k].second];
      if (!visit.leads_to_target || visit.is_target) continue;
      step(visit);
      visit.cotangents.clear();
      if (!retain) visit.node->spend();
    }
  }

  Tensor result(const Tensor& target) {
    const uint32_t visit = numbers_.at(target.node());
    if (visit != NodeNumbers::none)
      if (Tensor& cotangent = visits_[visit].cotangents[static_cast<size_t>(target.node_output())]; cotangent.defined())
        return cotangent;
    return zeros(target.shape(), target.dtype(), target.device());
  }

 private:
  static size_t edge_count(const Visit& visit) { return visit.is_target ? 0 : visit.node->inputs.size(); }
  bool leads(const Visit& visit, size_t input) {
    const Edge& edge = edges_[visit.first_edge + input];
    return edge.visit != NodeNumbers::none && visits_[edge.visit].leads_to_target;
  }

  /// `from`: whose gradient it is; null for the pullback's argument.
  void add(Edge edge, const Tensor& cotangent, const TapeNode* from) {
    if (!cotangent.defined()) return;
    Visit& visit = visits_[edge.visit];
    const auto output = static_cast<size_t>(edge.output);
    const Spec& spec = visit.node->output_specs[output];
    if (!(cotangent.shape() == spec.shape))
      throw ShapeError((from ? from->name() : "pullback") + ": expected a gradient of shape " + to_string(spec.shape) +
                       ", got " + to_string(cotangent.shape()));
    Tensor& sum = visit.cotangents[output];
    Tensor term = cotangent.dtype() == spec.dtype ? cotangent : cast(cotangent, spec.dtype);
    sum = sum.defined() ? weft::add(sum, term) : std::move(term);
  }

  void step(Visit& visit) {
    TapeNode& node = *visit.node;
    bool any = false;
    Device device;
    for (const Tensor& cotangent : visit.cotangents)
      if (cotangent.defined()) {
        any = true;
        device = cotangent.device();
      }
    if (!any) return;
    for (size_t i = 0; i < visit.cotangents.size(); ++i)
      if (!visit.cotangents[i].defined())
        visit.cotangents[i] = zeros(node.output_specs[i].shape, node.output_specs[i].dtype, device);
    const size_t count = edge_count(visit);  // hooks may change the node
    uint64_t wanted = 0;
    for (size_t i = 0; i < count && i < 64; ++i)
      if (leads(visit, i)) wanted |= uint64_t{1} << i;
    Tensors gradients = node.backward(visit.cotangents, wanted);
    for (size_t i = 0; i < count && i < gradients.size(); ++i)
      if (leads(visit, i)) add(edges_[visit.first_edge + i], gradients[i], &node);
  }

  NodeNumbers numbers_;
  std::vector<Visit> visits_;  // as they were met
  std::vector<Edge> edges_;
  std::vector<std::pair<uint64_t, uint32_t>> order_;  // nodes' numbers with their visits, oldest first
};

}  // namespace

bool is_recording() { return recording; }
RecordingScope::RecordingScope(bool on) : before_(recording) { recording = on; }
RecordingScope::~RecordingScope() { recording = before_; }

NanMode::NanMode() : before_(nan_mode) { nan_mode = true; }
NanMode::~NanMode() { nan_mode = before_; }
bool NanMode::active() { return nan_mode; }

TrackedInputListener::TrackedInputListener(std::function<void(const Tensor&)> on_use)
    : on_use_(std::move(on_use)), before_(input_listener) {
  input_listener = this;
}
TrackedInputListener::~TrackedInputListener() { input_listener = before_; }
TrackedInputListener* TrackedInputListener::current() { return input_listener; }

OpListener::OpListener(Callback callback) : callback_(std::move(callback)), before_(op_listener) { op_listener = this; }
OpListener::~OpListener() { op_listener = before_; }
OpListener* OpListener::current() { return op_listener; }

TapeNode::TapeNode() : number_(next_number.fetch_add(1, std::memory_order_relaxed)) {}
TapeNode::~TapeNode() = default;

void TapeNode::spend() {
  spent_ = true;
  inputs.clear();
  free_saved();
}

void retain_object(TapeNode* node) { node->retain(); }

void release_object(TapeNode* node) {
  if (!node->release()) return;
  released.push_back(node);
  if (releasing) return;
  releasing = true;
  while (!released.empty()) {
    TapeNode* next = released.back();
    released.pop_back();
    delete next;
  }
  releasing = false;
}

Tensors backward(const Tensors& outputs, const Tensors& cotangents, const Tensors& targets, bool retain) {
  Walk walk(outputs, targets);
  for (size_t i = 0; i < outputs.size(); ++i) walk.add(outputs[i], cotangents[i]);
  walk.run(retain || is_recording());
  Tensors results;
  for (const Tensor& target : targets) results.push_back(walk.result(target));
  return results;
}

}  // namespace weft
