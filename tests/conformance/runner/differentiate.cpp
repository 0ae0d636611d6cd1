#include "differentiate.hpp"

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/layers/graph.hpp>
#include <weft/layers/value_and_grad.hpp>

namespace weft::conformance {

namespace {

/// L of the golden cases: the sum over all results of result times cotangent.
Tensor weighted_sum(const Case& golden, const Named& outputs) {
  Tensor total;
  for (const auto& [name, output] : outputs) {
    if (!golden.has("cotangent." + name)) continue;
    Tensor part = sum(output * golden["cotangent." + name]);
    total = total.defined() ? total + part : part;
  }
  return total.defined() ? total : zeros({});
}

void compare_outputs(Check& check, const Named& outputs) {
  for (const auto& [name, output] : outputs) check.equal("out." + name, output);
}

/// The gradients of L with respect to the inputs that have one; gives what `forward` gave.
Named differentiate_inputs(Check& check, const Inputs& inputs, const Forward& forward) {
  const Case& golden = check.golden();
  std::vector<std::string> names;
  Tensors values;
  for (const auto& [name, tensor] : inputs.tensors()) {
    if (!golden.has("grad." + name)) continue;
    names.push_back(name);
    values.push_back(tensor);
  }
  if (names.empty()) {
    NoGrad scope;
    return forward(inputs);
  }
  Named outputs;
  ScalarFunction loss = [&](const Tensors& watched) {
    Inputs given = inputs;
    for (size_t i = 0; i < names.size(); ++i) given.set(names[i], watched[i]);
    outputs = forward(given);
    return weighted_sum(golden, outputs);
  };
  Tensors gradients = grad(loss, values);
  for (size_t i = 0; i < names.size(); ++i) check.equal("grad." + names[i], gradients[i]);
  return outputs;
}

bool is_running_state(const VariableInfo& variable) {
  return !variable.is(Param::kind()) && !variable.is(RngState::kind());
}

State state_of(const Case& golden, const std::string& prefix) {
  State state;
  for (const auto& [path, value] : golden.under(prefix)) state.set(path, value.copy());
  return state;
}

}  // namespace

Inputs::Inputs(const Case& golden, std::initializer_list<const char*> prefixes) : golden_(&golden) {
  for (const char* prefix : prefixes)
    for (const std::string& name : golden.names_under(prefix)) set(name, golden.peek(name));
}

const Tensor& Inputs::operator[](const std::string& name) const {
  auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Unsupported("expected a tensor " + name + ", got none");
  if (golden_) golden_->mark_used(name);
  return found->second;
}

void differentiate(Check& check, const Inputs& inputs, const Forward& forward) {
  compare_outputs(check, differentiate_inputs(check, inputs, forward));
}

void load_parameters(const Case& golden, const ModuleRef& model) {
  update(model, state_of(golden, "param."), {.only = of_type<Param>});
}

void load_state(const Case& golden, const ModuleRef& model) {
  update(model, state_of(golden, "state."), {.only = is_running_state});
}

void run_layer(Check& check, const ModuleRef& model, const Forward& forward) {
  const Case& golden = check.golden();
  const Inputs inputs(golden, {"in."});
  load_parameters(golden, model);
  load_state(golden, model);
  Named outputs;
  if (golden.has_under("grad.param.")) {
    auto [loss, gradients] = value_and_grad(
        std::vector<ModuleRef>{model},
        [&] {
          outputs = forward(inputs);
          return weighted_sum(golden, outputs);
        },
        GradOptions{});
    for (auto [path, value, kind] : gradients[0])
      if (golden.has("grad.param." + path)) check.equal("grad.param." + path, value);
  } else {
    NoGrad scope;
    outputs = forward(inputs);
  }
  compare_outputs(check, outputs);
  const State after = state(model, is_running_state);
  for (const auto& [path, expected] : golden.under("new_state."))
    check.equal("new_state." + path, after[path], expected);
  if (golden.has_under("grad.in.")) {
    load_state(golden, model);
    differentiate_inputs(check, inputs, forward);
  }
}

}  // namespace weft::conformance
