#pragma once

#include <functional>

#include <weft/layers/visitor.hpp>

#include "check.hpp"

namespace weft::conformance {

/// Tensors by their full names (`in.x`, `param.kernel`). Those of a case count as used when they are asked for.
class Inputs {
 public:
  Inputs() = default;
  explicit Inputs(Named tensors) : tensors_(std::move(tensors)) {}
  /// Every tensor of the case under these prefixes (`in.`), with the prefix.
  Inputs(const Case& golden, std::initializer_list<const char*> prefixes);

  bool has(const std::string& name) const { return tensors_.count(name) > 0; }
  /// Throws Unsupported when there is none.
  const Tensor& operator[](const std::string& name) const;
  /// The same, or an undefined tensor.
  Tensor get(const std::string& name) const { return has(name) ? (*this)[name] : Tensor(); }
  void set(const std::string& name, const Tensor& tensor) { tensors_[name] = tensor; }
  const Named& tensors() const { return tensors_; }

 private:
  const Case* golden_ = nullptr;
  Named tensors_;
};

/// Results by name, without `out.`.
using Forward = std::function<Named(const Inputs& inputs)>;

/// Runs `forward` and compares all that it gives with `out.*`, and with `grad.*` the gradients of the sum of its
/// results times `cotangent.*` with respect to those inputs that have one.
void differentiate(Check& check, const Inputs& inputs, const Forward& forward);

/// The same for a layer: loads `param.*` and `state.*` into it by their paths (each must be there, and fit), compares
/// `out.*`, `new_state.*`, `grad.param.*` (by one value_and_grad() over the model) and `grad.in.*`. `forward` calls the
/// layer on the case's `in.*`.
void run_layer(Check& check, const ModuleRef& model, const Forward& forward);

/// Only the loading.
void load_parameters(const Case& golden, const ModuleRef& model);
void load_state(const Case& golden, const ModuleRef& model);

}  // namespace weft::conformance
