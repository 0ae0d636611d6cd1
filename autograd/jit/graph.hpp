#pragma once

#include <memory>
#include <string>
#include <vector>

#include <weft/autograd/ops/index_range.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/autograd/state_cell.hpp>

namespace weft::jit_graph {

/// Where a value's elements come from.
enum class Source { argument, state, constant, computed };

/// A block of row-major memory in a plan: what ops read, as a whole or through views, and write as a whole.
struct Value {
  Source source = Source::computed;
  Spec spec;
  Device device;
  int index = -1;   ///< of the argument or state
  Tensor constant;  ///< when it is one
};

/// A strided view of a value.
struct Use {
  int value = -1;
  Shape shape;
  Strides strides;
  int64_t offset = 0;
  friend bool operator==(const Use&, const Use&) = default;
};

/// One run of a primitive; without a primitive, a copy from one device's memory to another's.
struct Node {
  const Primitive* primitive = nullptr;
  std::shared_ptr<const void> op;
  std::vector<Use> inputs;
  std::vector<int> outputs;
  std::string path;   ///< of the layer that ran it
  std::string label;  ///< what it was fused from, as `linear + gelu`; empty where it is one op

  std::string name() const { return !label.empty() ? label : primitive ? primitive->name() : "transfer"; }
};

/// A Variable's cell that the function read or wrote.
struct State {
  Ref<StateCell> cell;
  int before = -1;  ///< its value when the function begins; -1 when it had none
  Use after;        ///< its value at the end; value -1 when it was not written
};

/// Indices among the arguments or the state that are looked at before a run.
struct Guard {
  Use indices;
  IndexRange range;
  std::string path;
};

/// What a function did, as ops on values; nodes are in an order that runs.
struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<State> states;
  std::vector<Guard> guards;
  std::vector<Use> results;

  int add(Value value) {
    values.push_back(std::move(value));
    return static_cast<int>(values.size()) - 1;
  }
  int add_computed(const Spec& spec, Device device) { return add({Source::computed, spec, device, -1, {}}); }
  Value& operator[](int value) { return values[static_cast<size_t>(value)]; }
  const Value& operator[](int value) const { return values[static_cast<size_t>(value)]; }

  Spec spec(const Use& use) const { return {use.shape, (*this)[use.value].spec.dtype}; }
  /// The value itself, row-major from its first element on.
  bool is_whole(const Use& use) const {
    const Shape& shape = (*this)[use.value].spec.shape;
    return use.offset == 0 && use.shape.elements() == shape.elements() && is_row_major(use);
  }
  static bool is_row_major(const Use& use);
  /// A use of all of a value.
  Use whole(int value) const {
    const Shape& shape = (*this)[value].spec.shape;
    return {value, shape, row_major_strides(shape), 0};
  }
  /// Calls f(Use&) for the inputs of all nodes, the results, and the states' last values.
  template <class F> void for_each_use(F&& f) {
    for (Node& node : nodes)
      for (Use& use : node.inputs) f(use);
    for_each_end(f);
  }
  template <class F> void for_each_end(F&& f) {
    for (State& state : states)
      if (state.after.value >= 0) f(state.after);
    for (Use& use : results) f(use);
  }
};

}  // namespace weft::jit_graph
