#pragma once

#include <memory>
#include <string>
#include <vector>

#include <weft/layers/module.hpp>
#include <weft/layers/state.hpp>

namespace weft {

/// A Variable with its path.
struct NamedCell {
  std::string path;
  Ref<VariableCell> cell;
};

/// The distinct Variables that a filter chooses, in the order of their declaration, each under the path where it is met
/// first. Optimizers and plans hold these: they stay valid when the model moves.
std::vector<NamedCell> cells(const ModuleRef& model, const Filter& filter);
template <Module T> std::vector<NamedCell> cells(const T& model, const Filter& filter = everything) {
  return cells(module_ref(model), filter);
}

/// What value_and_grad() needs of a model at every step.
struct Selection {
  std::shared_ptr<const StateLayout> layout;
  std::vector<VariableCell*> cells;  ///< one for each path of the layout
};

/// A model's state as a list. Walking a model compares addresses with those of the last walk, and paths are made anew
/// only when they differ: some nanoseconds for each Variable, no strings, no allocation.
struct FlatModel {
  std::vector<std::string> paths;
  std::vector<VariableCell*> cells;                     ///< distinct, in the order of their declaration
  std::vector<const VariableCell*> sorted;              ///< the same by address
  std::vector<std::pair<std::string, size_t>> aliases;  ///< further paths of shared cells, and the cell's place

  /// Kept for the filters that were asked for last.
  std::shared_ptr<const Selection> select(const Filter& filter) const;

 private:
  friend const std::shared_ptr<const FlatModel>& flatten(const ModuleRef& model);
  std::vector<size_t> tokens_;
  mutable std::vector<std::pair<Filter, std::shared_ptr<const Selection>>> selections_;
};

/// The list of this model; the reference holds until the next call on this thread.
const std::shared_ptr<const FlatModel>& flatten(const ModuleRef& model);

}  // namespace weft
