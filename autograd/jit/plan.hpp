#pragma once

#include <memory>
#include <span>
#include <vector>

#include <weft/autograd/jit/memory.hpp>
#include <weft/autograd/jit/passes.hpp>
#include <weft/autograd/jit/trace.hpp>

namespace weft {

/// Memory that the plans of one function share: they never run at the same time.
class Arena {
 public:
  /// Storage on that device of at least `bytes`; what was given out before follows when it grows.
  Ref<Storage> reserve(int64_t bytes, Device device);
  int64_t bytes() const;

 private:
  struct Block {
    Ref<Storage> seen;  ///< what tensors are made on
    Tensor memory;
    Device device;
  };
  std::vector<Block> blocks_;
};

/// A traced function, ready to run: kernels with their tensors in order.
class Plan {
 public:
  Plan(jit_graph::Graph graph, const Trace& trace, Arena& arena);

  /// Whether the state has still the shapes that the plan was made for.
  bool fits_state() const;
  /// Runs it on arguments of the shapes, dtypes and devices it was made for. The results are the plan's own until the
  /// next run, which writes into them again unless somebody else holds them by then. Throws StateError when a tensor
  /// that was frozen has been changed in place.
  std::span<const Tensor> run(std::span<const Tensor* const> arguments);

  const jit_graph::Graph& graph() const { return graph_; }
  const jit_graph::PassReport& report() const { return report_; }
  const jit_graph::MemoryPlan& memory() const { return memory_; }
  const std::vector<Trace::Frozen>& frozen() const { return frozen_; }
  int numbers() const { return numbers_; }

 private:
  struct Step {
    Kernel run = nullptr;  ///< null: a copy from device to device
    const void* attributes = nullptr;
    Device device;
    size_t first_input = 0, inputs = 0, first_output = 0, outputs = 0;
  };
  struct StateSlot {
    StateCell* cell;
    Spec before;            ///< of its value; no dtype counts when it had none
    Storage *read, *write;  ///< null when not read, not written
    Spec after;
    Device device;
    bool had_value, in_place, swap = false;
    Tensor spare;
  };
  struct ResultSlot {
    Storage* write;
    Spec spec;
    Device device;
  };

  void make_steps(Arena& arena);
  Tensor tensor_of(const jit_graph::Use& use) const;
  void check_frozen() const;
  void run_steps();

  jit_graph::Graph graph_;
  jit_graph::PassReport report_;
  jit_graph::MemoryPlan memory_;
  std::vector<Trace::Frozen> frozen_;
  int numbers_;

  std::vector<Ref<Storage>> storages_;  // of every value; null for dead ones
  std::vector<Storage*> arguments_;     // where each argument is seen
  std::vector<StateSlot> states_;
  std::vector<std::pair<Tensor, const jit_graph::Guard*>> guards_;
  std::vector<ResultSlot> result_slots_;
  Tensors results_;
  Tensors operands_;
  std::vector<Step> steps_;
};

}  // namespace weft
