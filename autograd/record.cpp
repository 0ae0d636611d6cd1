#include <weft/autograd/record.hpp>

#include <weft/core/error.hpp>

namespace weft {
namespace {

/// A tensor kept for the gradient, and the version of its memory when it was kept.
struct Saved {
  Tensor value;
  uint32_t version = 0;

  explicit Saved(Tensor tensor) : value(std::move(tensor)), version(value.is_meta() ? 0 : value.storage()->version()) {}
  bool changed() const { return !value.is_meta() && value.storage()->version() != version; }
};

bool saves(uint64_t mask, size_t i) { return i < 64 && (mask >> i & 1); }

class PrimitiveNode final : public TapeNode {
 public:
  PrimitiveNode(const Primitive& primitive, const void* op, std::span<const Tensor> arguments, const Tensors& results)
      : primitive_(primitive), op_(primitive.copy_op(op)), path_(ErrorScope::path()) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Tensor& input = arguments[i];
      if (saves(primitive.saved_inputs, i)) inputs.push_back(input);
      else
        inputs.push_back(input.node() ? Tensor::meta(input.spec()).with_node(input.node_ref(), input.node_output())
                                      : Tensor::meta(input.spec()));
      versions_.push_back(Saved(inputs.back()).version);
    }
    for (size_t i = 0; i < results.size(); ++i) {
      output_specs.push_back(results[i].spec());
      outputs_.emplace_back(saves(primitive.saved_outputs, i) ? results[i] : Tensor::meta(results[i].spec()));
    }
  }

  std::string name() const override { return path_.empty() ? primitive_.name() : path_ + ": " + primitive_.name(); }

  Tensors backward(std::span<const Tensor> cotangents, uint64_t wanted) override {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!inputs[i].is_meta() && inputs[i].storage()->version() != versions_[i]) throw_changed("input", i);
    Tensors outputs;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i].changed()) throw_changed("output", i);
      outputs.push_back(outputs_[i].value.with_node(Ref<TapeNode>(this), static_cast<int>(i)));
    }
    return primitive_.grad(op_.get(), {inputs, outputs, cotangents, wanted});
  }

  void free_saved() override { outputs_.clear(); }

 private:
  [[noreturn]] void throw_changed(const char* what, size_t i) const {
    throw StateError(name() + ": " + what + " " + std::to_string(i) +
                     " was changed in place between the forward run and the gradient that needs it");
  }

  const Primitive& primitive_;
  std::shared_ptr<const void> op_;
  std::string path_;
  std::vector<uint32_t> versions_;
  std::vector<Saved> outputs_;  // without this node, which would keep itself alive
};

class CustomNode final : public TapeNode {
 public:
  CustomNode(std::string name, const Tensors& arguments, const Tensors& results, BackwardFunction backward)
      : name_(std::move(name)), backward_(std::move(backward)) {
    for (const Tensor& input : arguments)
      inputs.push_back(input.node() ? Tensor::meta(input.spec()).with_node(input.node_ref(), input.node_output())
                                    : Tensor::meta(input.spec()));
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

Tensors attach(Ref<TapeNode> node, const Tensors& outputs) {
  Tensors tracked;
  for (size_t i = 0; i < outputs.size(); ++i)
    tracked.push_back(is_floating(outputs[i].dtype()) ? outputs[i].with_node(node, static_cast<int>(i)) : outputs[i]);
  return tracked;
}

}  // namespace

Tensors record_primitive(const Primitive& primitive, const void* op, std::span<const Tensor> inputs, Tensors outputs) {
  return attach(Ref<TapeNode>(new PrimitiveNode(primitive, op, inputs, outputs)), outputs);
}

Tensors record_custom(std::string name, const Tensors& inputs, const Tensors& outputs, BackwardFunction backward) {
  bool tracked = false;
  for (const Tensor& input : inputs) tracked = tracked || input.node();
  if (!tracked || !is_recording()) return outputs;
  return attach(Ref<TapeNode>(new CustomNode(std::move(name), inputs, outputs, std::move(backward))), outputs);
}

Tensor watch(const Tensor& tensor) {
  if (!is_floating(tensor.dtype()))
    throw DTypeError("grad: expected a floating tensor to differentiate by, got " + to_string(tensor.spec()));
  auto identity = [](std::span<const Tensor> cotangents, uint64_t) { return Tensors{cotangents[0]}; };
  Ref<TapeNode> node(new CustomNode("watch", {tensor}, {tensor}, identity));
  return tensor.with_node(node, 0);
}

}  // namespace weft
