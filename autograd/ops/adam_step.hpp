#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft::op {

/// One step of Adam's moments (Kingma and Ba, 2015), in one pass over memory. Inputs: gradient, m, v (equal shapes),
/// and the bias corrections 1 - b1^t and 1 - b2^t (scalars), all of one dtype. Outputs: the update u, the new m and v.
struct AdamStep {
  static constexpr std::string_view name = "adam_step";
  double b1 = 0.9, b2 = 0.999, eps = 1e-8, eps_root = 0;
  friend bool operator==(const AdamStep&, const AdamStep&) = default;
};

}  // namespace weft::op
