#include <weft/autograd/jit/trace.hpp>

#include <atomic>

#include <weft/autograd/ops/cast.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

using jit_graph::Graph, jit_graph::Node, jit_graph::Source, jit_graph::State, jit_graph::Use, jit_graph::Value;

thread_local Trace* current_trace = nullptr;
std::atomic<uint64_t> epoch{1};

Use geometry(int value, const Tensor& tensor) { return {value, tensor.shape(), tensor.strides(), tensor.offset()}; }

}  // namespace

uint64_t structure_epoch() { return epoch.load(std::memory_order_acquire); }
void bump_structure_epoch() { epoch.fetch_add(1, std::memory_order_acq_rel); }

bool StateCell::tracing() { return current_trace != nullptr; }
void StateCell::touch() const { current_trace->touch(const_cast<StateCell&>(*this)); }
void retain_object(StateCell* cell) { cell->retain(); }
void release_object(StateCell* cell) {
  if (cell->release()) delete cell;
}

bool jit_graph::Graph::is_row_major(const Use& use) {
  int64_t expected = 1;
  for (int axis = use.shape.rank() - 1; axis >= 0; --axis) {
    if (use.shape[axis] != 1 && use.strides[axis] != expected) return use.shape.elements() == 0;
    expected *= use.shape[axis];
  }
  return true;
}

Trace::Trace(Graph& graph) : graph_(graph), outer_tracer_(exchange_tensor_tracer(this)), outer_(current_trace) {
  current_trace = this;
}

Trace::~Trace() { close(); }

void Trace::close() {
  if (closed_) return;
  closed_ = true;
  current_trace = outer_;
  exchange_tensor_tracer(outer_tracer_);
  for (auto& [cell, value] : originals_) cell->untraced_value() = value;
}

Trace* Trace::current() { return current_trace; }

Tensor Trace::placeholder(Value value) {
  Tensor tensor = Tensor::traced(value.spec, value.device);
  storages_.emplace_back(tensor.storage());
  traced_.emplace(tensor.storage(), graph_.add(std::move(value)));
  return tensor;
}

Tensor Trace::argument(const Spec& spec, Device device) {
  int index = 0;
  for (const Value& value : graph_.values) index += value.source == Source::argument;
  return placeholder({Source::argument, spec, device, index, {}});
}

void Trace::touch(StateCell& cell) {
  auto [place, is_new] = cells_.emplace(&cell, graph_.states.size());
  if (!is_new) return;
  auto index = static_cast<int>(graph_.states.size());
  Tensor& value = cell.untraced_value();
  originals_.emplace_back(Ref<StateCell>(&cell), value);
  State state{Ref<StateCell>(&cell), -1, {}};
  if (value.defined()) {
    state.before = static_cast<int>(graph_.values.size());
    value = placeholder({Source::state, value.spec(), value.device(), index, {}});
  }
  graph_.states.push_back(std::move(state));
}

Use Trace::constant(const Tensor& tensor, Device device, const std::string& user) {
  // Numbers are known by their bytes, so that equal ones are one.
  if (tensor.rank() == 0) {
    Tensor number = tensor.to(device).contiguous();
    std::string key(static_cast<size_t>(number.bytes()), 0);
    device.backend().copy_to_host(key.data(), number.raw(), number.bytes(), device.index());
    key += static_cast<char>(number.dtype());
    key += to_string(device);
    auto [place, is_new] = small_.emplace(key, 0);
    if (is_new) {
      ++numbers_;
      place->second = graph_.add({Source::constant, number.spec(), device, -1, number});
    }
    return graph_.whole(place->second);
  }
  std::vector<std::pair<Use, int>>& known = large_[tensor.storage()];
  const Use asked = geometry(0, tensor);
  for (const auto& [use, value] : known)
    if (use == asked) return graph_.whole(value);
  int value = graph_.add({Source::constant, tensor.spec(), device, -1, tensor.contiguous()});
  known.emplace_back(asked, value);
  frozen_.push_back({tensor.detach(), tensor.storage()->version(), user});
  return graph_.whole(value);
}

Use Trace::use(const Tensor& tensor, Device device, const char* user) {
  if (!tensor.is_traced()) return constant(tensor, device, user);
  auto found = traced_.find(tensor.storage());
  if (found == traced_.end()) throw_traced(user, tensor);
  Use use = geometry(found->second, tensor);
  if (graph_[use.value].device == device) return use;
  // A single number that lives elsewhere; anything else was refused by the dispatcher.
  return this->use(move(tensor, device), device, user);
}

Tensor Trace::move(const Tensor& source, Device device) {
  Node node{nullptr, nullptr, {use(source, source.device(), "to(device)")}, {}, ErrorScope::path(), {}};
  node.outputs.push_back(static_cast<int>(graph_.values.size()));
  Tensor moved = placeholder({Source::computed, source.spec(), device, -1, {}});
  graph_.nodes.push_back(std::move(node));
  return moved;
}

Tensors Trace::record(const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
                      std::span<const Spec> specs, Device device) {
  Node node{&primitive, primitive.copy_op(op), {}, {}, ErrorScope::path(), {}};
  for (const Tensor& input : inputs) node.inputs.push_back(use(input, device, primitive.name().c_str()));
  Tensors outputs;
  for (const Spec& spec : specs) {
    node.outputs.push_back(static_cast<int>(graph_.values.size()));
    outputs.push_back(placeholder({Source::computed, spec, device, -1, {}}));
  }
  graph_.nodes.push_back(std::move(node));
  return outputs;
}

bool Trace::guard(const Tensor& indices, const IndexRange& range) {
  const Use looked_at = use(indices, indices.device(), range.op.c_str());
  if (graph_[looked_at.value].source == Source::computed) return false;
  if (indices.device().backend().is_host()) graph_.guards.push_back({looked_at, range, ErrorScope::path()});
  return true;
}

Tensor Trace::copy(const Tensor& source) {
  static const Primitive& primitive = find_primitive(primitive_id<op::Copy>());
  const op::Copy op{};
  const Spec spec = source.spec();
  return record(primitive, &op, {&source, 1}, {&spec, 1}, source.device())[0];
}

void Trace::finish(std::span<const Tensor> results) {
  for (const Tensor& result : results) graph_.results.push_back(use(result, result.device(), "jit (result)"));
  for (size_t i = 0; i < graph_.states.size(); ++i) {
    State& state = graph_.states[i];
    const Tensor& now = state.cell->untraced_value();
    if (!now.defined()) continue;
    Use after = use(now, now.device(), "jit (state)");
    if (state.before < 0 || !(after == graph_.whole(state.before))) state.after = after;
  }
  close();
}

void Trace::bind_key(const RandomKey& key, const Tensor& tensor) { keys_.emplace_back(key, tensor); }

const Tensor* Trace::bound_key(const RandomKey& key) const {
  for (const auto& [known, tensor] : keys_)
    if (known.key == key.key && known.stream == key.stream && known.counter == key.counter) return &tensor;
  return nullptr;
}

}  // namespace weft
