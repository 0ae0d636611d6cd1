#pragma once

#include <functional>
#include <map>

#include <weft/autograd/ops/axes.hpp>

#include "check.hpp"

namespace weft::conformance {

using Tensors = std::vector<Tensor>;

/// A call's keyword arguments.
struct Arguments {
  const Config& config;
  const Case& golden;

  /// The axis or axes at `key`; `otherwise` where there is none, or null.
  Axes axes(const std::string& key = "axis", const Axes& otherwise = {}) const;
  bool keepdims() const { return config.flag("keepdims", false); }
  /// The boolean tensor that `where` names; undefined when there is none.
  Tensor mask() const;
};

/// A library function, by what Weft has for it.
using Function = std::function<Tensors(const Tensors& inputs, const Arguments& arguments)>;
using FunctionTable = std::map<std::string, Function>;

/// By the names of the libraries (`jnp.sum`).
const FunctionTable& functions();

void add_elementwise(FunctionTable& table);
void add_activations(FunctionTable& table);
void add_reductions(FunctionTable& table);
void add_products(FunctionTable& table);
void add_layout(FunctionTable& table);
void add_indexing(FunctionTable& table);
void add_gather(FunctionTable& table);

/// Functions without keyword arguments.
Function unary(Tensor (*function)(const Tensor&));

/// Runs one call of a case of several.
void run_call(Check& check, const std::string& name, const Config& call);

}  // namespace weft::conformance
