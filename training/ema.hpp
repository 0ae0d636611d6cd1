#pragma once

#include <memory>
#include <vector>

#include <weft/autograd/state_cell.hpp>
#include <weft/layers/graph.hpp>

namespace weft {

/// A moving average of a model's parameters, starting at their values (optax.incremental_update). It is kept in cells,
/// so that update() may be part of a function that jit runs.
class ParameterAverage {
 public:
  template <Module T>
  ParameterAverage(const T& model, double step_size, const Filter& only = of_type<Param>)
      : ParameterAverage(weft::state(model, only), step_size) {}

  /// average <- step_size * param + (1 - step_size) * average. Throws StateError when the model has other paths.
  template <Module T> void update(const T& model, const Filter& only = of_type<Param>) {
    blend(state_view(model, only));
  }
  /// As it is now; later updates leave what was given alone.
  State average() const;
  /// Puts back what average() gave. Throws StateError listing what is missing, unexpected or misshapen; then nothing
  /// has changed.
  void load(const State& average);

 private:
  ParameterAverage(const State& start, double step_size);
  void blend(const State& params);

  double step_size_;
  std::shared_ptr<const StateLayout> layout_;
  std::vector<Ref<StateCell>> cells_;
};

}  // namespace weft
