#pragma once

#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weft/layers/flatten.hpp>

namespace weft {

/// A copy with state of its own; Variables that shared a cell share one again.
template <Module T> T clone(const T& model) {
  Cloner cloner;
  return ModuleAccess::clone(cloner, model);
}

/// The state that a filter chooses, copied. Throws StateError naming a Variable that has no shape yet.
State state(const ModuleRef& model, const Filter& filter);
template <Module T> State state(const T& model, const Filter& filter = everything) {
  return state(module_ref(model), filter);
}

/// The same without a copy: the tensors are the model's own, and later writes in place show in both.
State state_view(const ModuleRef& model, const Filter& filter);
template <Module T> State state_view(const T& model, const Filter& filter = everything) {
  return state_view(module_ref(model), filter);
}

struct UpdateOptions {
  /// The Variables that the update is about: each needs a value.
  Filter only = everything;
  /// False: whatever does not fit is left alone, and reported.
  bool strict = true;
};
struct UpdateReport {
  std::vector<std::string> missing;     ///< in the model, not in the state
  std::vector<std::string> unexpected;  ///< in the state, not in the model (or not chosen)
  std::vector<std::string> misshapen;   ///< `path: expected float32[3, 5], got float32[5, 3]`
  bool ok() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};
/// Writes a State into a model. Strict: throws StateError listing everything that is missing, unexpected or misshapen,
/// and then nothing was written. Shared Variables may be named by any of their paths. A Variable without a shape takes
/// that of its value.
UpdateReport update(const ModuleRef& model, const State& state, const UpdateOptions& options);
template <Module T> UpdateReport update(T& model, const State& state, const UpdateOptions& options = {}) {
  return update(module_ref(model), state, options);
}

/// Takes the chosen Variables out of the model and gives their values; they are empty afterwards.
State pop(const ModuleRef& model, const Filter& filter);
template <Module T> State pop(T& model, const Filter& filter) { return pop(module_ref(model), filter); }

/// A model without data; merge() makes models of it.
template <Module T> class GraphDef {
 public:
  explicit GraphDef(const T& model) {
    Cloner cloner(false);
    skeleton_ = std::make_shared<const T>(ModuleAccess::clone(cloner, model));
  }
  const T& skeleton() const { return *skeleton_; }

 private:
  std::shared_ptr<const T> skeleton_;
};

/// The states of a model, each Variable in the first that chooses it; throws ValueError listing those that none does.
std::vector<State> split_state(const ModuleRef& model, const std::vector<Filter>& filters);

/// `auto [graph, params, rest] = split(model, of_type<Param>, everything);` States are copies. Throws ValueError when
/// some Variable is chosen by no filter.
template <Module T, class... Filters> auto split(const T& model, Filters... filters) {
  std::vector<State> states = split_state(module_ref(model), std::vector<Filter>{Filter(filters)...});
  return [&]<size_t... I>(std::index_sequence<I...>) {
    return std::make_tuple(GraphDef<T>(model), std::move(states[I])...);
  }
  (std::index_sequence_for<Filters...>());
}
/// Everything in one State.
template <Module T> std::pair<GraphDef<T>, State> split(const T& model) { return {GraphDef<T>(model), state(model)}; }

/// The model that split() took apart. Throws like update().
template <Module T, class... States> T merge(const GraphDef<T>& graph, const States&... states) {
  T model = clone(graph.skeleton());
  update(model, merge_states({states...}));
  return model;
}

/// Every Variable, shared ones once for each path.
void for_each_variable(const ModuleRef& model, const std::function<void(const std::string& path, Variable&)>& function);
template <Module T>
void for_each_variable(T& model, const std::function<void(const std::string& path, Variable&)>& function) {
  for_each_variable(module_ref(model), function);
}
/// The model itself, under the empty path, and every module below it, outer ones first.
void for_each_module(const ModuleRef& model,
                     const std::function<void(const std::string& path, const ModuleRef&)>& function);
template <Module T>
void for_each_module(T& model, const std::function<void(const std::string& path, const ModuleRef&)>& function) {
  for_each_module(module_ref(model), function);
}
/// The modules of type M: `for_each<Linear>(model, [](const std::string& path, Linear& layer) { ... })`.
template <Module M, Module T, class F> void for_each(T& model, F&& function) {
  for_each_module(module_ref(model), [&](const std::string& path, const ModuleRef& module) {
    if (module.info == &ModuleAccess::info<M>()) function(path, *static_cast<M*>(module.object));
  });
}

/// Elements, and bytes, of the distinct Variables that a filter chooses. Throws StateError for one without a shape.
int64_t num_parameters(const ModuleRef& model, const Filter& filter);
int64_t num_bytes(const ModuleRef& model, const Filter& filter);
template <Module T> int64_t num_parameters(const T& model, const Filter& filter = of_type<Param>) {
  return num_parameters(module_ref(model), filter);
}
template <Module T> int64_t num_bytes(const T& model, const Filter& filter = everything) {
  return num_bytes(module_ref(model), filter);
}

}  // namespace weft
