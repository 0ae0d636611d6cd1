#include <weft/layers/simple_cell.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/unary.hpp>

namespace weft {
namespace {

RecurrentCellOptions common(const SimpleCellOptions& options) {
  return {.in_features = options.in_features,
          .hidden_features = options.hidden_features,
          .dtype = options.dtype,
          .param_dtype = options.param_dtype,
          .kernel_init = options.kernel_init,
          .recurrent_kernel_init = options.recurrent_kernel_init,
          .bias_init = options.bias_init};
}

}  // namespace

SimpleCell::SimpleCell(const SimpleCellOptions& options, Rngs& rngs)
    : dense_i(detail::input_projection(common(options), 1, true), rngs),
      dense_h(detail::carry_projection(common(options), 1, false), rngs),
      residual(options.residual) {}

CellStep<Tensor> SimpleCell::operator()(const Tensor& carry, const Tensor& x) const {
  Scope scope(*this);
  detail::check_carry(carry, x, dense_h.in_features);
  Tensor sum = dense_i(x) + dense_h(carry);
  if (residual) sum = sum + carry;
  const Tensor next = tanh(sum);
  return {next, next};
}

Tensor SimpleCell::initialize_carry(const Shape& batch, Device device) const {
  return detail::zero_carry(dense_h, batch, device);
}

}  // namespace weft
