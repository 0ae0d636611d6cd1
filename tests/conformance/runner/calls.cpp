#include "calls.hpp"

#include "differentiate.hpp"

namespace weft::conformance {

Axes Arguments::axes(const std::string& key, const Axes& otherwise) const {
  const Config& value = config.get(key);
  return value.is_null() ? otherwise : Axes(value.shape());
}

Tensor Arguments::mask() const {
  const Config& name = config.get("where");
  return name.is_null() ? Tensor() : golden[name.text()];
}

const FunctionTable& functions() {
  static const FunctionTable table = [] {
    FunctionTable filled;
    add_elementwise(filled);
    add_activations(filled);
    add_reductions(filled);
    add_products(filled);
    add_layout(filled);
    add_indexing(filled);
    add_gather(filled);
    return filled;
  }();
  return table;
}

Function unary(Tensor (*function)(const Tensor&)) {
  return [function](const Tensors& x, const Arguments&) { return Tensors{function(x.at(0))}; };
}

void run_call(Check& check, const std::string& name, const Config& call) {
  const Case& golden = check.golden();
  const std::string& function = call["function"].text();
  auto found = functions().find(function);
  if (found == functions().end()) throw Unsupported("function " + function);
  Inputs inputs;
  std::vector<std::string> order;
  for (const Config& input : call["inputs"].items()) {
    order.push_back(input.text());
    inputs.set(input.text(), golden[input.text()]);
  }
  const Arguments arguments{call["arguments"], golden};
  arguments.config.entries();  // an empty object counts as read
  differentiate(check, inputs, [&](const Inputs& given) {
    Tensors positional;
    for (const std::string& input : order) positional.push_back(given[input]);
    Tensors results = found->second(positional, arguments);
    if (golden.has("out." + name)) return Named{{name, results.at(0)}};
    Named outputs;
    for (size_t i = 0; i < results.size(); ++i) outputs.emplace(name + "." + std::to_string(i), results[i]);
    return outputs;
  });
}

}  // namespace weft::conformance
