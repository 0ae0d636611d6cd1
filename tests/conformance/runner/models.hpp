#pragma once

#include <string>
#include <vector>

#include <weft/layers/linear.hpp>
#include <weft/layers/module.hpp>

#include "config.hpp"

namespace weft::conformance {

/// The elementwise function of that name; throws Unsupported.
Tensor activate(const Tensor& x, const std::string& name);

/// `layers.0`, `layers.1`, ... with an activation after every one but the last.
struct Mlp {
  std::vector<Linear> layers;
  std::string activation;
  WEFT_MODULE(Mlp, layers, activation)

  /// From `sizes` and `activation`.
  explicit Mlp(const Config& config);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace weft::conformance
