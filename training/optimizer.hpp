#pragma once

#include <memory>
#include <vector>

#include <weft/layers/flatten.hpp>
#include <weft/layers/state.hpp>
#include <weft/training/transform.hpp>

namespace weft {

/// Applies a transformation's updates to a model's parameters. Holds the parameters' cells, so the model may be moved.
/// update() may be part of a function that jit runs; what it keeps, the step included, is in cells.
class Optimizer {
 public:
  /// Throws StateError naming a parameter that has no value yet: call initialize(model, inputs...) first.
  template <Module T>
  Optimizer(const T& model, TransformPtr transform, const Filter& wrt = of_type<Param>)
      : Optimizer(cells(model, wrt), std::move(transform)) {}
  Optimizer(std::vector<NamedCell> params, TransformPtr transform);

  /// One step. The gradients' paths are those of the parameters; throws StateError listing what is missing or
  /// unexpected, ShapeError for a gradient of another shape; then nothing has changed.
  void update(const State& gradients);

  /// Updates made so far.
  int64_t step() const { return step_->value().item<int64_t>(); }
  const std::vector<std::string>& paths() const { return paths_; }
  /// The step under `step`, and the transformation's tensors under their names.
  State state() const;
  /// Puts back what state() gave. Throws StateError listing what is missing, unexpected or misshapen; then nothing has
  /// changed.
  void load(const State& state);

 private:
  bool knows(const State& gradients);

  std::vector<NamedCell> params_;
  std::vector<std::string> paths_;
  TransformPtr transform_;
  Ref<StateCell> step_;
  std::shared_ptr<const StateLayout> known_layout_;  ///< of gradients whose paths were found to be those of params_
};

}  // namespace weft
