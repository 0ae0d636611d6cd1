#include <weft/layers/gru.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/unary.hpp>

namespace weft {

GRUCell::GRUCell(const RecurrentCellOptions& options, Rngs& rngs)
    : dense_i(detail::input_projection(options, 3, true), rngs),
      dense_h(detail::carry_projection(options, 3, false), rngs) {}

CellStep<Tensor> GRUCell::operator()(const Tensor& carry, const Tensor& x) const {
  Scope scope(*this);
  detail::check_carry(carry, x, dense_h.in_features);
  const std::vector<Tensor> input = split(dense_i(x), 3, -1), hidden = split(dense_h(carry), 3, -1);
  const Tensor reset = sigmoid(input[0] + hidden[0]);
  const Tensor update = sigmoid(input[1] + hidden[1]);
  const Tensor fresh = tanh(input[2] + reset * hidden[2]);
  const Tensor next = (1 - update) * fresh + update * carry;
  return {next, next};
}

Tensor GRUCell::initialize_carry(const Shape& batch, Device device) const {
  return detail::zero_carry(dense_h, batch, device);
}

}  // namespace weft
