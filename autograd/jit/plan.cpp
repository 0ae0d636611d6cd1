#include <weft/autograd/jit/plan.hpp>

#include <utility>

#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

using jit_graph::Graph, jit_graph::Node, jit_graph::Source, jit_graph::State, jit_graph::Use, jit_graph::Value;

int64_t bytes_of(const Spec& spec) { return spec.shape.elements() * size_of(spec.dtype); }

/// Storage that will be pointed at somebody's memory before each run.
Ref<Storage> borrowed(const Spec& spec, Device device) {
  return Ref<Storage>(new Storage(nullptr, bytes_of(spec), device, [] {}));
}

void copy_between_devices(const Tensor& source, Tensor& target) {
  const Device from = source.device(), to = target.device();
  if (from.backend().is_host()) {
    to.backend().copy_from_host(target.mutable_raw(), source.raw(), source.bytes(), to.index());
  } else if (to.backend().is_host()) {
    from.backend().copy_to_host(target.mutable_raw(), source.raw(), source.bytes(), from.index());
  } else {
    std::vector<char> staging(static_cast<size_t>(source.bytes()));
    from.backend().copy_to_host(staging.data(), source.raw(), source.bytes(), from.index());
    to.backend().copy_from_host(target.mutable_raw(), staging.data(), source.bytes(), to.index());
  }
}

}  // namespace

Ref<Storage> Arena::reserve(int64_t bytes, Device device) {
  Block* block = nullptr;
  for (Block& known : blocks_)
    if (known.device == device) block = &known;
  if (!block) {
    blocks_.push_back({Ref<Storage>(new Storage(nullptr, 0, device, [] {})), {}, device});
    block = &blocks_.back();
  }
  if (!block->memory.defined() || block->memory.elements() < bytes) {
    block->memory = Tensor();  // the old memory goes before the new is asked for
    block->memory = Tensor::empty({bytes}, DType::boolean, device);
    block->seen->point_at(block->memory.mutable_raw());
  }
  return block->seen;
}

int64_t Arena::bytes() const {
  int64_t total = 0;
  for (const Block& block : blocks_) total += block.memory.elements();
  return total;
}

Plan::Plan(Graph graph, const Trace& trace, Arena& arena)
    : graph_(std::move(graph)), frozen_(trace.frozen()), numbers_(trace.numbers()) {
  report_.traced = static_cast<int>(graph_.nodes.size());
  remove_dead(graph_, report_);
  remove_repeated(graph_, report_);
  fuse_epilogues(graph_, report_);
  lower(graph_);
  fuse_elementwise(graph_, report_);
  separate_ends(graph_);
  remove_dead(graph_, report_);
  memory_ = plan_memory(graph_);
  make_steps(arena);
}

Tensor Plan::tensor_of(const Use& use) const {
  const auto i = static_cast<size_t>(use.value);
  const Value& value = graph_[use.value];
  if (value.source == Source::constant)
    return value.constant.strided_view(use.shape, use.strides, value.constant.offset() + use.offset);
  const int64_t base = memory_.offsets[i] < 0 ? 0 : memory_.offsets[i] / size_of(value.spec.dtype);
  return Tensor::on_storage(storages_[i], value.spec).strided_view(use.shape, use.strides, base + use.offset);
}

void Plan::make_steps(Arena& arena) {
  storages_.resize(graph_.values.size());
  for (size_t i = 0; i < storages_.size(); ++i) {
    const Value& value = graph_.values[i];
    if (value.source == Source::constant) continue;
    storages_[i] =
        memory_.offsets[i] >= 0 ? arena.reserve(memory_.arena_bytes, value.device) : borrowed(value.spec, value.device);
    if (value.source == Source::argument) {
      const auto index = static_cast<size_t>(value.index);
      if (arguments_.size() <= index) arguments_.resize(index + 1);
      arguments_[index] = storages_[i].get();
    }
  }
  auto storage = [&](int value) { return value < 0 ? nullptr : storages_[static_cast<size_t>(value)].get(); };
  for (size_t s = 0; s < graph_.states.size(); ++s) {
    const State& state = graph_.states[s];
    StateSlot slot{};
    slot.cell = state.cell.get();
    slot.had_value = state.before >= 0;
    if (slot.had_value) slot.before = graph_[state.before].spec;
    slot.read = storage(state.before);
    slot.write = storage(state.after.value);
    if (slot.write) slot.after = graph_[state.after.value].spec;
    slot.device = graph_[slot.write ? state.after.value : state.before].device;
    slot.in_place = memory_.in_place[s];
    states_.push_back(std::move(slot));
  }
  for (const Use& use : graph_.results)
    result_slots_.push_back({storage(use.value), graph_[use.value].spec, graph_[use.value].device});
  results_.resize(result_slots_.size());
  for (const jit_graph::Guard& guard : graph_.guards) guards_.push_back({tensor_of(guard.indices), &guard});

  for (const Node& node : graph_.nodes) {
    Step step;
    step.device = graph_[node.outputs[0]].device;
    if (node.primitive) {
      step.run = step.device.backend().kernels().find(node.primitive->id())->run;
      step.attributes = node.op.get();
    }
    step.first_input = operands_.size();
    step.inputs = node.inputs.size();
    for (const Use& use : node.inputs) operands_.push_back(tensor_of(use));
    step.first_output = operands_.size();
    step.outputs = node.outputs.size();
    for (int output : node.outputs) {
      Use whole = graph_.whole(output);
      operands_.push_back(tensor_of(whole));
    }
    steps_.push_back(step);
  }
}

bool Plan::fits_state() const {
  for (const StateSlot& slot : states_) {
    const Tensor& value = slot.cell->untraced_value();
    if (value.defined() != slot.had_value) return false;
    if (slot.had_value && (value.dtype() != slot.before.dtype || !(value.shape() == slot.before.shape) ||
                           (slot.read && !(value.device() == slot.read->device()))))
      return false;
  }
  return true;
}

void Plan::check_frozen() const {
  for (const Trace::Frozen& frozen : frozen_)
    if (frozen.tensor.storage()->version() != frozen.version)
      throw StateError("jit: " + to_string(frozen.tensor.spec()) + ", which " + frozen.used_by +
                       " took as it was when the function was traced, has been changed in place since; pass it as an "
                       "argument, or keep it in a Variable");
}

void Plan::run_steps() {
  Device current;  // of the backend that was told last; the host needs no telling
  for (const Step& step : steps_) {
    Tensor* inputs = operands_.data() + step.first_input;
    Tensor* outputs = operands_.data() + step.first_output;
    if (!step.run) {
      copy_between_devices(*inputs, *outputs);
      current = Device();  // either side's device may be current now
      continue;
    }
    if (!(step.device == current)) {
      step.device.backend().make_current(step.device.index());
      current = step.device;
    }
    step.run({step.attributes, {inputs, step.inputs}, {outputs, step.outputs}});
  }
}

std::span<const Tensor> Plan::run(std::span<const Tensor* const> arguments) {
  check_frozen();
  for (size_t i = 0; i < arguments_.size(); ++i)
    if (arguments_[i]) arguments_[i]->point_at(const_cast<void*>(arguments[i]->raw()));
  for (StateSlot& slot : states_) {
    Tensor& value = slot.cell->untraced_value();
    if (slot.had_value && !value.is_contiguous()) value = value.contiguous();
    if (slot.read) slot.read->point_at(value.mutable_raw());
  }
  for (const auto& [indices, guard] : guards_) {
    if (guard->path.empty()) {
      guard->range.check(indices);
    } else {
      ErrorScope scope(guard->path);
      guard->range.check(indices);
    }
  }
  for (StateSlot& slot : states_) {
    Tensor& value = slot.cell->untraced_value();
    if (!slot.write) continue;
    slot.swap = !(slot.in_place && value.is_sole_owner());
    if (slot.swap) {
      if (!slot.spare.defined() || !slot.spare.is_sole_owner())
        slot.spare = Tensor::empty(slot.after.shape, slot.after.dtype, slot.device);
      slot.write->point_at(slot.spare.mutable_raw());
    } else {
      value.storage()->bump_version();
      slot.write->point_at(value.mutable_raw());
    }
  }
  for (size_t i = 0; i < results_.size(); ++i) {
    Tensor& result = results_[i];
    const ResultSlot& slot = result_slots_[i];
    if (!result.defined() || !result.is_sole_owner())
      result = Tensor::empty(slot.spec.shape, slot.spec.dtype, slot.device);
    slot.write->point_at(result.mutable_raw());
  }

  run_steps();

  for (StateSlot& slot : states_) {
    if (!slot.write || !slot.swap) continue;
    std::swap(slot.cell->untraced_value(), slot.spare);
    if (slot.in_place) slot.spare = Tensor();  // the next run writes in place again
  }
  return results_;
}

}  // namespace weft
