#include <weft/layers/prelu.hpp>

#include <weft/autograd/ops/activation.hpp>
#include <weft/layers/compute_dtype.hpp>

namespace weft {

PReLU::PReLU(const PReLUOptions& options)
    : negative_slope(initializers::constant(options.negative_slope_init), RandomKey(), options.param_dtype) {
  negative_slope.resolve({});
}

Tensor PReLU::operator()(const Tensor& x) const {
  Scope scope(*this);
  Tensor slope = negative_slope;
  DType type = compute_dtype(std::nullopt, {x, slope});
  return prelu(in_dtype(x, type), in_dtype(slope, type));
}

}  // namespace weft
