#include <weft/autograd/ops/optimizer_update.hpp>

#include <cmath>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

using op::Direction;
using op::UpdateRule;

double number(const Tensor& tensor, int64_t i = 0) {
  return visit_wide_number(tensor.dtype(),
                           [&]<class T>(std::type_identity<T>) { return static_cast<double>(tensor.raw_as<T>()[i]); });
}

/// The direction of one element; replaces its states.
double direction(const Direction& d, double t, double g, double* state) {
  double &a = state[0], &b = state[1];
  auto under = [&](double square) { return d.eps_in_root ? std::sqrt(square + d.eps) : std::sqrt(square) + d.eps; };
  switch (d.rule) {
    case UpdateRule::plain: return g;
    case UpdateRule::trace: a = g + d.b1 * a; return d.nesterov ? g + d.b1 * a : a;
    case UpdateRule::mean: a = d.b1 * a + (1 - d.b1) * g; return d.debias ? a / (1 - std::pow(d.b1, t)) : a;
    case UpdateRule::adam: {
      a = d.b1 * a + (1 - d.b1) * g;
      b = d.b2 * b + (1 - d.b2) * g * g;
      const double mean = a / (1 - std::pow(d.b1, t)), square = b / (1 - std::pow(d.b2, t));
      return mean / (std::sqrt(square + d.eps_root) + d.eps);
    }
    case UpdateRule::lion: {
      const double mixed = d.b1 * a + (1 - d.b1) * g;
      a = d.b2 * a + (1 - d.b2) * g;
      return mixed > 0 ? 1 : mixed < 0 ? -1 : mixed;
    }
    case UpdateRule::rms: a = d.b1 * a + (1 - d.b1) * g * g; return g / under(a);
    case UpdateRule::centered:
      a = d.b1 * a + (1 - d.b1) * g * g;
      b = d.b1 * b + (1 - d.b1) * g;
      return g / under(a - b * b);
    case UpdateRule::adagrad: a += g * g; return g / std::sqrt(a + d.eps);
  }
  return g;
}

void optimizer_update(const KernelCall& call) {
  const auto& op = call.op<op::OptimizerUpdate>();
  const auto n = static_cast<size_t>(op.parameters(static_cast<int>(call.inputs.size())));
  const auto first = static_cast<size_t>(op.scalars()), states = static_cast<size_t>(op.states());
  const double t = number(call.inputs[0]) + 1;
  const double rate = op.scales ? number(call.inputs[static_cast<size_t>(op.rate_input())]) : -1;
  double clip = 1;
  if (op.clips) {
    const double norm = number(call.inputs[static_cast<size_t>(op.norm_input())]);
    if (!(norm < op.max_norm)) clip = op.max_norm / norm;
  }
  for (size_t place = 0; place < n; ++place) {
    const Tensor &param = call.inputs[first + place], &gradient = call.inputs[first + n + place];
    auto write = [&](Tensor& tensor, int64_t i, double value) {
      visit_wide_float(tensor.dtype(),
                       [&]<class T>(std::type_identity<T>) { tensor.mutable_raw_as<T>()[i] = static_cast<T>(value); });
    };
    for (int64_t i = 0; i < param.elements(); ++i) {
      double state[3] = {}, p = number(param, i);
      for (size_t s = 0; s < states; ++s) state[s] = number(call.inputs[first + (2 + s) * n + place], i);
      const double g = number(gradient, i) * clip + op.early_decay.of(place) * p;
      double u = direction(op.direction, t, g, state) + op.decay.of(place) * p;
      u *= -rate;
      if (op.traces) {
        double& velocity = state[states - 1];
        velocity = u + op.momentum * velocity;
        u = op.nesterov ? u + op.momentum * velocity : velocity;
      }
      write(call.outputs[place], i, op.adds ? p + u : u);
      for (size_t s = 0; s < states; ++s) write(call.outputs[(1 + s) * n + place], i, state[s]);
    }
  }
}

}  // namespace

void register_reference_optimizer_update(KernelTable& table) {
  table.add<op::OptimizerUpdate>(optimizer_update, wide_floats | DTypeSet{DType::int64});
}

}  // namespace weft
