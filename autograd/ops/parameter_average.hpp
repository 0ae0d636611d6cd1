#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft::op {

/// a <- step_size * p + (1 - step_size) * a for many tensors in one pass over memory. Inputs: all averages a, then all
/// values p, each pair of one shape and floating dtype. Outputs: the new averages.
struct ParameterAverage {
  static constexpr std::string_view name = "parameter_average";
  double step_size = 0;
  friend bool operator==(const ParameterAverage&, const ParameterAverage&) = default;
};

}  // namespace weft::op
