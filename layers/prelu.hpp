#pragma once

#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct PReLUOptions {
  double negative_slope_init = 0.01;
  DType param_dtype = DType::float32;
};

/// x where x >= 0, else negative_slope * x with a slope that learns (He et al. 2015).
struct PReLU {
  Param negative_slope;  ///< []
  WEFT_MODULE(PReLU, negative_slope)

  explicit PReLU(const PReLUOptions& options);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace weft
