#include <weft/layers/recurrent_cell.hpp>

#include <weft/autograd/ops/create.hpp>
#include <weft/core/error.hpp>

namespace weft::detail {

LinearOptions input_projection(const RecurrentCellOptions& options, int64_t parts, bool use_bias) {
  check_size("hidden_features", options.hidden_features);
  return {.in_features = options.in_features,
          .out_features = parts * options.hidden_features,
          .use_bias = use_bias,
          .dtype = options.dtype,
          .param_dtype = options.param_dtype,
          .kernel_init = options.kernel_init,
          .bias_init = options.bias_init};
}

LinearOptions carry_projection(const RecurrentCellOptions& options, int64_t parts, bool use_bias) {
  LinearOptions projection = input_projection(options, parts, use_bias);
  projection.in_features = options.hidden_features;
  projection.kernel_init = options.recurrent_kernel_init;
  return projection;
}

void check_carry(const Tensor& carry, const Tensor& x, int64_t hidden_features) {
  check_has_features(x);
  Shape expected = x.shape().slice(0, x.rank() - 1);
  expected.push_back(hidden_features);
  if (!(carry.shape() == expected))
    throw ShapeError("expected a carry " + to_string(expected) + ", got " + to_string(carry.shape()));
}

Tensor zero_carry(const Linear& carry_projection, const Shape& batch, Device device) {
  Shape shape = batch;
  shape.push_back(carry_projection.in_features);
  return zeros(shape, carry_projection.kernel.dtype(), device);
}

}  // namespace weft::detail
