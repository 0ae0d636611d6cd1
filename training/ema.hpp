#pragma once

#include <weft/layers/graph.hpp>

namespace weft {

/// A moving average of a model's parameters, starting at their values (optax.incremental_update).
class ParameterAverage {
 public:
  template <Module T>
  ParameterAverage(const T& model, double step_size, const Filter& only = of_type<Param>)
      : step_size_(step_size), average_(weft::state(model, only)) {}

  /// average <- step_size * param + (1 - step_size) * average. Throws StateError when the model has other paths.
  template <Module T> void update(const T& model, const Filter& only = of_type<Param>) {
    blend(state_view(model, only));
  }
  const State& average() const { return average_; }

 private:
  void blend(const State& params);

  double step_size_;
  State average_;
};

}  // namespace weft
