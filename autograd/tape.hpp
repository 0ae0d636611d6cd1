#pragma once

#include <functional>
#include <string>

#include <weft/autograd/primitive.hpp>

namespace weft {

/// Whether ops on this thread go onto the tape when an input is on it.
bool is_recording();

/// Switches recording on this thread while it lives.
class RecordingScope {
 public:
  explicit RecordingScope(bool recording);
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool before_;
};

/// Nothing is recorded while it lives.
class NoGrad : RecordingScope {
 public:
  NoGrad() : RecordingScope(false) {}
};

/// While it lives, an op on this thread whose result has a NaN throws NonFiniteError naming the op, the layer's path
/// and its inputs' ranges. Costs a pass over every result.
class NanMode {
 public:
  NanMode();
  ~NanMode();
  NanMode(const NanMode&) = delete;
  NanMode& operator=(const NanMode&) = delete;
  static bool active();

 private:
  bool before_;
};

/// One recorded operation. Nodes are numbered by a global counter, so that every input's node has a smaller number
/// than its consumer: descending numbers are a valid backward order.
class TapeNode : public RefCounted, public Recycled {
 public:
  TapeNode();
  virtual ~TapeNode();

  uint64_t number() const { return number_; }
  virtual std::string name() const = 0;
  /// Cotangents of `inputs`, undefined where none; `wanted` has a bit for each of the first 64 inputs.
  virtual Tensors backward(std::span<const Tensor> cotangents, uint64_t wanted) = 0;
  /// Frees what was saved; walking here again is an error.
  void spend();
  bool spent() const { return spent_; }

  /// What the operation was applied to, with the tape's nodes; shapes without data where the value is not needed.
  SmallVector<Tensor, 3> inputs;
  /// Shapes of its results.
  SmallVector<Spec, 1> output_specs;

 protected:
  virtual void free_saved() = 0;

 private:
  uint64_t number_;
  bool spent_ = false;
};

/// `tensor` as the start of a tape of its own: gradients are asked for with respect to it. While an outer tape is
/// recording, the result stays connected to it.
Tensor watch(const Tensor& tensor);

/// A function with a gradient of its own. `backward(cotangents, wanted)` gives one cotangent for each of `inputs`.
/// Recorded only when some input is on the tape.
using BackwardFunction = std::function<Tensors(std::span<const Tensor> cotangents, uint64_t wanted)>;
Tensors record_custom(std::string name, const Tensors& inputs, const Tensors& outputs, BackwardFunction backward);

/// Cotangents of `targets` (tensors on the tape) given those of `outputs`. Walks only nodes that lead to a target;
/// stops there. A target that nothing leads to gets zeros. Frees the walked nodes unless `retain`, or while recording.
Tensors backward(const Tensors& outputs, const Tensors& cotangents, const Tensors& targets, bool retain = false);

/// Calls on_use for every tensor with a node that an op on this thread takes in; for remat.
class TrackedInputListener {
 public:
  explicit TrackedInputListener(std::function<void(const Tensor&)> on_use);
  ~TrackedInputListener();
  static TrackedInputListener* current();
  void notify(const Tensor& tensor) { on_use_(tensor); }

 private:
  std::function<void(const Tensor&)> on_use_;
  TrackedInputListener* before_;
};

/// Is told of every primitive that runs on this thread, shape-only runs included: counts FLOPs for tabulate.
class OpListener {
 public:
  using Callback = std::function<void(const Primitive&, const void* op, std::span<const Tensor> inputs,
                                      std::span<const Tensor> outputs)>;
  explicit OpListener(Callback callback);
  ~OpListener();
  static OpListener* current();
  void notify(const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
              std::span<const Tensor> outputs) {
    callback_(primitive, op, inputs, outputs);
  }

 private:
  Callback callback_;
  OpListener* before_;
};

}  // namespace weft
