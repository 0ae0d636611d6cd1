#pragma once

#include <string>

#include <weft/layers/state.hpp>

namespace weft {

/// Collects the gradients with respect to values on the way that perturb() names:
///   PerturbationScope scope;
///   auto [loss, grads] = value_and_grad(model, ...);
///   Tensor hidden = scope.gradients()["encoder.hidden"];
class PerturbationScope {
 public:
  PerturbationScope();
  ~PerturbationScope();
  PerturbationScope(const PerturbationScope&) = delete;
  PerturbationScope& operator=(const PerturbationScope&) = delete;
  /// The innermost one on this thread, or null.
  static PerturbationScope* current();

  /// Of the last value_and_grad(), by the path of the module that called perturb() and the name it gave.
  const State& gradients() const { return gradients_; }

  /// For value_and_grad(): a zero that is on its tape.
  void start(const Tensor& watched_zero);

 private:
  friend Tensor perturb(const std::string& name, const Tensor& x);
  State gradients_;
  Tensor zero_;
  PerturbationScope* outer_;
};

/// `x` itself, whose gradient a PerturbationScope collects; a name used twice in one module gets the sum.
Tensor perturb(const std::string& name, const Tensor& x);

}  // namespace weft
