#pragma once

#include <functional>
#include <utility>

#include <weft/autograd/tape.hpp>

namespace weft {

using Function = std::function<Tensors(const Tensors&)>;
using ScalarFunction = std::function<Tensor(const Tensors&)>;

/// The linear map from cotangents of a function's outputs to cotangents of its inputs, at one point. Runs once, since
/// it frees what the forward run saved; a second call throws StateError unless `retain` was set before the first.
class Pullback {
 public:
  Pullback(Tensors outputs, Tensors inputs) : outputs_(std::move(outputs)), inputs_(std::move(inputs)) {}
  /// One cotangent for each output, of its shape; throws ShapeError. Returns one for each input.
  Tensors operator()(const Tensors& cotangents);
  bool retain = false;

 private:
  Tensors outputs_, inputs_;
  bool spent_ = false;
};

struct VjpResult {
  Tensors outputs;
  Pullback pullback;
};

/// Runs `function` and keeps what its gradient needs.
VjpResult vjp(const Function& function, const Tensors& inputs);

/// Value and directional derivative along `tangents` (of the inputs' shapes), through two vector-Jacobian products.
std::pair<Tensors, Tensors> jvp(const Function& function, const Tensors& inputs, const Tensors& tangents);

/// The value of a function with one scalar result, and its gradient with respect to every input. Throws ShapeError when
/// the result has more than one element.
std::pair<Tensor, Tensors> value_and_grad(const ScalarFunction& function, const Tensors& inputs);
Tensors grad(const ScalarFunction& function, const Tensors& inputs);
/// For functions of one tensor; nests: `grad([&](const Tensor& y) { return sum(grad(f, y)); }, x)`.
Tensor grad(const std::function<Tensor(const Tensor&)>& function, const Tensor& input);

/// A function with a gradient of its own: `forward(inputs)` gives outputs and residuals, `backward(residuals,
/// cotangents)` the inputs' cotangents. The backward may itself be differentiated when it is written in ops.
struct ForwardResult {
  Tensors outputs;
  Tensors residuals;
};
Function custom_vjp(std::function<ForwardResult(const Tensors&)> forward,
                    std::function<Tensors(const Tensors& residuals, const Tensors& cotangents)> backward);

/// `tensor` itself, whose final cotangent is handed to `hook`; what the hook returns takes its place.
Tensor gradient_hook(const Tensor& tensor, std::function<Tensor(const Tensor&)> hook);

/// `tensor` without its tape.
Tensor stop_gradient(const Tensor& tensor);

}  // namespace weft
