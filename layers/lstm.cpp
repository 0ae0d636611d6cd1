#include <weft/layers/lstm.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>

namespace weft {
namespace {

/// From the gates before their activations.
CellStep<LSTMCarry> step(const Tensor& c, const Tensor& i, const Tensor& f, const Tensor& g, const Tensor& o) {
  const Tensor memory = sigmoid(f) * c + sigmoid(i) * tanh(g);
  const Tensor output = sigmoid(o) * tanh(memory);
  return {{memory, output}, output};
}

LSTMCarry zero_carries(const Linear& carry_projection, const Shape& batch, Device device) {
  return {detail::zero_carry(carry_projection, batch, device), detail::zero_carry(carry_projection, batch, device)};
}

void check_carries(const LSTMCarry& carry, const Tensor& x, int64_t hidden_features) {
  detail::check_carry(carry.c, x, hidden_features);
  detail::check_carry(carry.h, x, hidden_features);
}

}  // namespace

LSTMCarry where(const Tensor& condition, const LSTMCarry& x, const LSTMCarry& y) {
  return {where(condition, x.c, y.c), where(condition, x.h, y.h)};
}

LSTMCell::LSTMCell(const RecurrentCellOptions& options, Rngs& rngs)
    : ii(detail::input_projection(options, 1, false), rngs),
      if_(detail::input_projection(options, 1, false), rngs),
      ig(detail::input_projection(options, 1, false), rngs),
      io(detail::input_projection(options, 1, false), rngs),
      hi(detail::carry_projection(options, 1, true), rngs),
      hf(detail::carry_projection(options, 1, true), rngs),
      hg(detail::carry_projection(options, 1, true), rngs),
      ho(detail::carry_projection(options, 1, true), rngs) {}

CellStep<LSTMCarry> LSTMCell::operator()(const LSTMCarry& carry, const Tensor& x) const {
  Scope scope(*this);
  check_carries(carry, x, hi.in_features);
  const Tensor& h = carry.h;
  return step(carry.c, ii(x) + hi(h), if_(x) + hf(h), ig(x) + hg(h), io(x) + ho(h));
}

LSTMCarry LSTMCell::initialize_carry(const Shape& batch, Device device) const {
  return zero_carries(hi, batch, device);
}

OptimizedLSTMCell::OptimizedLSTMCell(const RecurrentCellOptions& options, Rngs& rngs)
    : dense_i(detail::input_projection(options, 4, false), rngs),
      dense_h(detail::carry_projection(options, 4, true), rngs) {}

CellStep<LSTMCarry> OptimizedLSTMCell::operator()(const LSTMCarry& carry, const Tensor& x) const {
  Scope scope(*this);
  check_carries(carry, x, dense_h.in_features);
  const std::vector<Tensor> gates = split(dense_i(x) + dense_h(carry.h), 4, -1);
  return step(carry.c, gates[0], gates[1], gates[2], gates[3]);
}

LSTMCarry OptimizedLSTMCell::initialize_carry(const Shape& batch, Device device) const {
  return zero_carries(dense_h, batch, device);
}

}  // namespace weft
