#include <weft/autograd/grad.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Tensors watch_all(const Tensors& tensors) {
  Tensors watched;
  for (const Tensor& tensor : tensors) watched.push_back(watch(tensor));
  return watched;
}

/// What leaves a gradient computation: connected to an outer tape while that is recording, else free of any.
Tensors released_from_tape(const Tensors& tensors) {
  Tensors results;
  for (const Tensor& tensor : tensors) results.push_back(is_recording() ? tensor : tensor.detach());
  return results;
}

}  // namespace

Tensors Pullback::operator()(const Tensors& cotangents) {
  if (spent_)
    throw StateError("pullback: it ran already, and what it needed is freed; set retain before its first run");
  if (cotangents.size() != outputs_.size())
    throw ShapeError("pullback: expected " + std::to_string(outputs_.size()) + " cotangents, got " +
                     std::to_string(cotangents.size()));
  spent_ = !retain;
  Tensors results = released_from_tape(backward(outputs_, cotangents, inputs_, retain));
  if (spent_) outputs_ = inputs_ = {};
  return results;
}

VjpResult vjp(const Function& function, const Tensors& inputs) {
  Tensors watched = watch_all(inputs), outputs;
  {
    RecordingScope scope(true);
    outputs = function(watched);
  }
  return {released_from_tape(outputs), Pullback(outputs, watched)};
}

std::pair<Tensors, Tensors> jvp(const Function& function, const Tensors& inputs, const Tensors& tangents) {
  if (tangents.size() != inputs.size())
    throw ShapeError("jvp: expected " + std::to_string(inputs.size()) + " tangents, got " +
                     std::to_string(tangents.size()));
  // The pullback is linear in its cotangent u: its own vjp at any u, applied to the tangents, is the jvp.
  Tensors outputs, probes, results;
  Tensors pulled;
  {
    RecordingScope scope(true);
    Tensors watched = watch_all(inputs);
    outputs = function(watched);
    Tensors floating;
    for (const Tensor& output : outputs)
      if (is_floating(output.dtype())) floating.push_back(output);
    for (const Tensor& output : floating)
      probes.push_back(watch(zeros(output.shape(), output.dtype(), output.device())));
    pulled = backward(floating, probes, watched, true);
  }
  Tensors moved = backward(pulled, tangents, probes);
  size_t next = 0;
  for (const Tensor& output : outputs)
    results.push_back(is_floating(output.dtype()) ? moved[next++]
                                                  : zeros(output.shape(), output.dtype(), output.device()));
  return {released_from_tape(outputs), released_from_tape(results)};
}

std::pair<Tensor, Tensors> value_and_grad(const ScalarFunction& function, const Tensors& inputs) {
  Tensors watched = watch_all(inputs);
  Tensor value;
  {
    RecordingScope scope(true);
    value = function(watched);
  }
  if (value.elements() != 1)
    throw ShapeError("grad: expected a function with a scalar result, got shape " + to_string(value.shape()));
  Tensors gradients = backward({value}, {ones(value.shape(), value.dtype(), value.device())}, watched);
  return {released_from_tape({value})[0], released_from_tape(gradients)};
}

Tensors grad(const ScalarFunction& function, const Tensors& inputs) { return value_and_grad(function, inputs).second; }

Tensor grad(const std::function<Tensor(const Tensor&)>& function, const Tensor& input) {
  return grad([&](const Tensors& inputs) { return function(inputs[0]); }, Tensors{input})[0];
}

Function custom_vjp(std::function<ForwardResult(const Tensors&)> forward,
                    std::function<Tensors(const Tensors&, const Tensors&)> backward) {
  return [forward = std::move(forward), backward = std::move(backward)](const Tensors& inputs) {
    // Residuals keep the tape of the inputs, so that the backward can be differentiated; what forward computes from
    // them is a constant for it.
    ForwardResult result;
    {
      NoGrad guard;
      result = forward(inputs);
    }
    Tensors outputs;
    for (const Tensor& output : result.outputs) outputs.push_back(output.detach());
    return record_custom(
        "custom_vjp", inputs, outputs,
        [backward, residuals = result.residuals, count = inputs.size()](std::span<const Tensor> cotangents, uint64_t) {
          Tensors gradients = backward(residuals, Tensors(cotangents.begin(), cotangents.end()));
          if (gradients.size() != count)
            throw ShapeError("custom_vjp: expected " + std::to_string(count) +
                             " cotangents from the backward function, got " + std::to_string(gradients.size()));
          return gradients;
        });
  };
}

Tensor gradient_hook(const Tensor& tensor, std::function<Tensor(const Tensor&)> hook) {
  return record_custom("gradient_hook", {tensor}, {tensor.detach()},
                       [hook = std::move(hook)](std::span<const Tensor> cotangents, uint64_t) {
                         Tensor replaced = hook(cotangents[0]);
                         return Tensors{replaced.defined() ? replaced : cotangents[0]};
                       })[0];
}

Tensor stop_gradient(const Tensor& tensor) { return tensor.detach(); }

}  // namespace weft
