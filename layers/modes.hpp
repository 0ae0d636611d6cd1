#pragma once

#include <map>
#include <string>
#include <variant>

#include <weft/layers/module.hpp>

namespace weft {

/// A hyper-parameter's new value; numbers convert to the member's type where nothing is lost.
using AttributeValue = std::variant<bool, int64_t, double, std::string>;

/// Sets the members of these names in every module that has them, of modules whose path matches `path` (see path_glob).
/// Returns how many were set. Throws ValueError when no module has such a member, or when the value does not fit it.
int set_attributes(const ModuleRef& model, const std::map<std::string, AttributeValue>& values,
                   const std::string& path);
template <Module T>
int set_attributes(T& model, const std::map<std::string, AttributeValue>& values, const std::string& path = "**") {
  return set_attributes(module_ref(model), values, path);
}

/// Sets `deterministic` and `use_running_average` wherever they are: false for training, true for evaluation.
void train(const ModuleRef& model);
void eval(const ModuleRef& model);
template <Module T> void train(T& model) { train(module_ref(model)); }
template <Module T> void eval(T& model) { eval(module_ref(model)); }

}  // namespace weft
