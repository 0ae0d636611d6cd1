#include <weft/autograd/record.hpp>

#include <cstddef>

#include <weft/core/error.hpp>

namespace weft {
namespace {

bool saves(uint64_t mask, size_t i) { return i < 64 && (mask >> i & 1); }

uint32_t version_of(const Tensor& tensor) { return tensor.is_meta() ? 0 : tensor.storage()->version(); }

/// A primitive's attributes, in place when they are small.
class KeptOp {
 public:
  KeptOp(const Primitive& primitive, const void* op)
      : primitive_(primitive), op_(primitive.op_size <= sizeof(place_) ? place_ : recycled_new(primitive.op_size)) {
    primitive.copy_op_to(op_, op);
  }
  ~KeptOp() {
    primitive_.destroy_op(op_);
    if (op_ != place_) recycled_delete(op_, primitive_.op_size);
  }
  KeptOp(const KeptOp&) = delete;
  KeptOp& operator=(const KeptOp&) = delete;

  const Primitive& primitive() const { return primitive_; }
  const void* get() const { return op_; }

 private:
  const Primitive& primitive_;
  void* op_;
  alignas(std::max_align_t) std::byte place_[32];
};

class PrimitiveNode final : public TapeNode {
 public:
  PrimitiveNode(const Primitive& primitive, const void* op, std::span<const Tensor> arguments,
                std::span<const Tensor> results)
      : op_(primitive, op), path_(ErrorScope::kept_path()) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      inputs.push_back(saves(primitive.saved_inputs, i) ? arguments[i] : arguments[i].shape_only());
      versions_.push_back(version_of(inputs.back()));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      output_specs.push_back(results[i].spec());
      if (!saves(primitive.saved_outputs, i)) continue;
      outputs_.resize(results.size());
      outputs_[i] = {results[i], version_of(results[i])};
    }
  }

  std::string name() const override {
    return path_.empty() ? op_.primitive().name() : path_.text() + ": " + op_.primitive().name();
  }

  Tensors backward(std::span<const Tensor> cotangents, uint64_t wanted) override {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (version_of(inputs[i]) != versions_[i]) throw_changed("input", i);
    SmallVector<Tensor, 2> outputs;
    for (size_t i = 0; i < output_specs.size(); ++i) {
      if (i >= outputs_.size() || !outputs_[i].value.defined()) {
        outputs.push_back(Tensor::meta(output_specs[i]));
        continue;
      }
      if (version_of(outputs_[i].value) != outputs_[i].version) throw_changed("output", i);
      outputs.push_back(outputs_[i].value.with_node(Ref<TapeNode>(this), static_cast<int>(i)));
    }
    return op_.primitive().grad(op_.get(), {inputs, outputs, cotangents, wanted});
  }

  void free_saved() override { outputs_.clear(); }

 private:
  [[noreturn]] void throw_changed(const char* what, size_t i) const {
    throw StateError(name() + ": " + what + " " + std::to_string(i) +
                     " was changed in place between the forward run and the gradient that needs it");
  }

  /// An output kept for the gradient, and the version of its memory when it was kept.
  struct Saved {
    Tensor value;
    uint32_t version = 0;
  };

  KeptOp op_;
  ErrorPath path_;
  SmallVector<uint32_t, 3> versions_;  // of the inputs
  SmallVector<Saved, 1> outputs_;      // without this node, which would keep itself alive; empty when none is kept
};

class CustomNode final : public TapeNode {
 public:
  CustomNode(std::string name, std::span<const Tensor> arguments, std::span<const Tensor> results,
             BackwardFunction backward)
      : name_(std::move(name)), backward_(std::move(backward)) {
    for (const Tensor& input : arguments) inputs.push_back(input.shape_only());
    for (const Tensor& output : results) output_specs.push_back(output.spec());
  }

  std::string name() const override { return name_; }
  Tensors backward(std::span<const Tensor> cotangents, uint64_t wanted) override {
    return backward_(cotangents, wanted);
  }
  void free_saved() override { backward_ = nullptr; }

 private:
  std::string name_;
  BackwardFunction backward_;
};

/// The start of a tape.
class WatchNode final : public TapeNode {
 public:
  explicit WatchNode(const Tensor& tensor) {
    inputs.push_back(tensor.shape_only());
    output_specs.push_back(tensor.spec());
  }
  std::string name() const override { return "watch"; }
  Tensors backward(std::span<const Tensor> cotangents, uint64_t) override { return {cotangents[0]}; }
  void free_saved() override {}
};

void attach(const Ref<TapeNode>& node, std::span<Tensor> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i)
    if (is_floating(outputs[i].dtype())) outputs[i] = std::move(outputs[i]).with_node(node, static_cast<int>(i));
}

}  // namespace

void record_primitive(const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
                      std::span<Tensor> outputs) {
  attach(Ref<TapeNode>(new PrimitiveNode(primitive, op, inputs, outputs)), outputs);
}

Tensors record_custom(std::string name, const Tensors& inputs, const Tensors& outputs, BackwardFunction backward) {
  bool tracked = false;
  for (const Tensor& input : inputs) tracked = tracked || input.node();
  Tensors tracked_outputs = outputs;
  if (tracked && is_recording())
    attach(Ref<TapeNode>(new CustomNode(std::move(name), inputs, outputs, std::move(backward))), tracked_outputs);
  return tracked_outputs;
}

Tensor watch(const Tensor& tensor) {
  if (!is_floating(tensor.dtype()))
    throw DTypeError("grad: expected a floating tensor to differentiate by, got " + to_string(tensor.spec()));
  return tensor.with_node(Ref<TapeNode>(new WatchNode(tensor)), 0);
}

}  // namespace weft
