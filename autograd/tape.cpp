#include <weft/autograd/tape.hpp>

#include <algorithm>
#include <unordered_map>

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

/// One node of a backward walk.
struct Visit {
  Ref<TapeNode> node;
  Tensors cotangents;  // for each output; undefined until one arrives
  bool leads_to_target;
};

bool is_target(const Tensors& targets, TapeNode* node) {
  for (const Tensor& target : targets)
    if (target.node() == node) return true;
  return false;
}

class Walk {
 public:
  Walk(const Tensors& outputs, const Tensors& targets) : targets_(targets) {
    uint64_t first = ~uint64_t{0};
    for (const Tensor& target : targets)
      if (target.node()) first = std::min(first, target.node()->number());
    std::vector<Ref<TapeNode>> pending;
    auto reach = [&](const Tensor& tensor) {
      // Whatever is older than every target cannot lead to one.
      if (!tensor.node() || tensor.node()->number() < first || slots_.count(tensor.node())) return;
      slots_.emplace(tensor.node(), 0);
      pending.push_back(tensor.node_ref());
    };
    for (const Tensor& output : outputs) reach(output);
    while (!pending.empty()) {
      Ref<TapeNode> node = std::move(pending.back());
      pending.pop_back();
      if (node->spent())
        throw StateError(node->name() +
                         ": its gradient was computed already, and what it needs is freed; set retain on "
                         "the pullback to run it again");
      if (!is_target(targets, node.get()))
        for (const Tensor& input : node->inputs) reach(input);
      visits_.push_back({node, Tensors(node->output_specs.size()), false});
    }
    std::sort(visits_.begin(), visits_.end(),
              [](const Visit& a, const Visit& b) { return a.node->number() > b.node->number(); });
    for (size_t i = 0; i < visits_.size(); ++i) slots_[visits_[i].node.get()] = i;
    for (size_t i = visits_.size(); i-- > 0;) {
      Visit& visit = visits_[i];
      visit.leads_to_target = is_target(targets, visit.node.get());
      if (visit.leads_to_target) continue;
      for (const Tensor& input : visit.node->inputs) visit.leads_to_target |= leads(input);
    }
  }

  void add(const Tensor& tensor, const Tensor& cotangent, const std::string& from) {
    Visit* visit = find(tensor);
    if (!visit || !cotangent.defined()) return;
    if (!(cotangent.shape() == tensor.shape()))
      throw ShapeError(from + ": expected a gradient of shape " + to_string(tensor.shape()) + ", got " +
                       to_string(cotangent.shape()));
    Tensor& sum = visit->cotangents[static_cast<size_t>(tensor.node_output())];
    Tensor term = cotangent.dtype() == tensor.dtype() ? cotangent : cast(cotangent, tensor.dtype());
    sum = sum.defined() ? weft::add(sum, term) : term;
  }

  void run(bool retain) {
    for (Visit& visit : visits_) {
      if (!visit.leads_to_target || is_target(targets_, visit.node.get())) continue;
      step(visit);
      visit.cotangents.clear();
      if (!retain) visit.node->spend();
    }
  }

  Tensor result(const Tensor& target) {
    Visit* visit = find(target);
    if (!visit) return zeros(target.shape(), target.dtype(), target.device());
    Tensor& cotangent = visit->cotangents[static_cast<size_t>(target.node_output())];
    return cotangent.defined() ? cotangent : zeros(target.shape(), target.dtype(), target.device());
  }

 private:
  Visit* find(const Tensor& tensor) {
    auto found = tensor.node() ? slots_.find(tensor.node()) : slots_.end();
    return found == slots_.end() ? nullptr : &visits_[found->second];
  }
  bool leads(const Tensor& tensor) {
    Visit* visit = find(tensor);
    return visit && visit->leads_to_target;
  }

  void step(Visit& visit) {
    TapeNode& node = *visit.node;
    bool any = false;
    for (const Tensor& cotangent : visit.cotangents) any = any || cotangent.defined();
    if (!any) return;
    Device device;
    for (const Tensor& cotangent : visit.cotangents)
      if (cotangent.defined()) device = cotangent.device();
    for (size_t i = 0; i < visit.cotangents.size(); ++i)
      if (!visit.cotangents[i].defined())
        visit.cotangents[i] = zeros(node.output_specs[i].shape, node.output_specs[i].dtype, device);
    uint64_t wanted = 0;
    Tensors inputs = node.inputs;  // spend() and hooks may change the node
    for (size_t i = 0; i < inputs.size(); ++i)
      if (i < 64 && leads(inputs[i])) wanted |= uint64_t{1} << i;
    Tensors gradients = node.backward(visit.cotangents, wanted);
    for (size_t i = 0; i < inputs.size() && i < gradients.size(); ++i)
      if (i >= 64 || (wanted >> i & 1)) add(inputs[i], gradients[i], node.name());
  }

  const Tensors& targets_;
  std::vector<Visit> visits_;  // newest first
  std::unordered_map<TapeNode*, size_t> slots_;
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
  for (size_t i = 0; i < outputs.size(); ++i) walk.add(outputs[i], cotangents[i], "pullback");
  walk.run(retain || is_recording());
  Tensors results;
  for (const Tensor& target : targets) results.push_back(walk.result(target));
  return results;
}

}  // namespace weft
