#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include <weft/autograd/jit/graph.hpp>
#include <weft/autograd/ops/index_range.hpp>
#include <weft/core/random.hpp>
#include <weft/core/tracer.hpp>

namespace weft {

/// While it lives, ops on this thread whose inputs depend on its arguments or on state are not run but written down,
/// and give tensors that have a place but no elements. Ops on anything else run as always: their results are constants
/// of the plan. Variables show what they would hold, and get their values back in the end.
class Trace final : public TensorTracer {
 public:
  /// A tensor that was found, not computed, and the version of its memory.
  struct Frozen {
    Tensor tensor;
    uint32_t version;
    std::string used_by;
  };

  explicit Trace(jit_graph::Graph& graph);
  ~Trace() override;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  /// The one of this thread, or null.
  static Trace* current();

  Tensor argument(const Spec& spec, Device device);
  void touch(StateCell& cell);
  /// Writes down one run of a primitive for which `device` has a kernel.
  Tensors record(const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
                 std::span<const Spec> outputs, Device device);
  Tensor copy(const Tensor& source) override;
  Tensor move(const Tensor& source, Device device) override;
  /// Has the plan look at indices before each run. False for those that are only computed in it.
  bool guard(const Tensor& indices, const IndexRange& range);
  /// Notes the results and what the state has become, and ends the tracing: Variables have their values again.
  void finish(std::span<const Tensor> results);

  uint64_t draws() const { return keys_.size(); }
  /// Draws of a random stream stay live: where a key with these numbers is wanted, `tensor` is it.
  void bind_key(const RandomKey& key, const Tensor& tensor);
  /// Null for a key that is a constant.
  const Tensor* bound_key(const RandomKey& key) const;

  /// Tensors beyond single numbers that were found, not computed: they are taken as they are now.
  const std::vector<Frozen>& frozen() const { return frozen_; }
  int numbers() const { return numbers_; }

 private:
  jit_graph::Use use(const Tensor& tensor, Device device, const char* user);
  jit_graph::Use constant(const Tensor& tensor, Device device, const std::string& user);
  Tensor placeholder(jit_graph::Value value);
  void close();

  jit_graph::Graph& graph_;
  std::unordered_map<const Storage*, int> traced_;  // to their values
  std::vector<Ref<Storage>> storages_;              // so that no address comes twice
  std::unordered_map<std::string, int> small_;      // numbers by their bytes
  std::unordered_map<const Storage*, std::vector<std::pair<jit_graph::Use, int>>> large_;
  std::unordered_map<const StateCell*, size_t> cells_;
  std::vector<std::pair<Ref<StateCell>, Tensor>> originals_;
  bool closed_ = false;
  std::vector<std::pair<RandomKey, Tensor>> keys_;
  std::vector<Frozen> frozen_;
  int numbers_ = 0;
  TensorTracer* outer_tracer_;
  Trace* outer_;
};

}  // namespace weft
