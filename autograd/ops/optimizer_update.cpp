#include <weft/autograd/ops/optimizer_update.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

using op::Direction;
using op::OptimizerUpdate;
using op::UpdateRule;

void check_scalar(const Spec& spec, DTypeSet allowed, const char* what) {
  expect_dtype(OptimizerUpdate::name, spec, allowed, what);
  if (spec.shape.rank() != 0)
    throw ShapeError("optimizer_update: expected " + std::string(what) + ", a scalar, got " + to_string(spec));
}

Specs shape(const OptimizerUpdate& op, std::span<const Spec> in) {
  const int inputs = static_cast<int>(in.size()), n = op.parameters(inputs);
  if (inputs < op.scalars() || inputs != op.scalars() + n * (2 + op.states()))
    throw ShapeError("optimizer_update: expected " + std::to_string(op.scalars()) + " scalars and " +
                     std::to_string(2 + op.states()) + " tensors for each parameter, got " + std::to_string(inputs) +
                     " inputs");
  check_scalar(in[0], {DType::int64}, "the step as int64");
  for (int i = 1; i < op.scalars(); ++i) check_scalar(in[static_cast<size_t>(i)], all_floats, "a floating number");
  std::span<const Spec> params = in.subspan(static_cast<size_t>(op.scalars()), static_cast<size_t>(n));
  Specs result(params.begin(), params.end());
  for (size_t i = 0; i < params.size(); ++i) expect_float(OptimizerUpdate::name, params[i]);
  for (size_t i = static_cast<size_t>(op.scalars()) + params.size(); i < in.size(); ++i) {
    const Spec& param = params[(i - static_cast<size_t>(op.scalars())) % params.size()];
    expect_same_shape(OptimizerUpdate::name, param, in[i]);
    expect_same_dtype(OptimizerUpdate::name, param, in[i]);
  }
  for (int state = 0; state < op.states(); ++state)
    for (const Spec& param : params) result.push_back(param);
  return result;
}

/// 1 / (1 - decay^(step + 1)).
Tensor debias_factor(double decay, const Tensor& step, DType dtype) {
  return cast(1.0 / (1.0 - power(Tensor(decay), cast(step, DType::float64) + 1.0)), dtype);
}

/// The direction; replaces the states.
Tensor direction(const Direction& d, const Tensor& g, Tensor& a, Tensor& b, const Tensor& step) {
  auto mean = [](double decay, const Tensor& before, const Tensor& x) { return decay * before + (1 - decay) * x; };
  switch (d.rule) {
    case UpdateRule::plain: return g;
    case UpdateRule::trace: a = g + d.b1 * a; return d.nesterov ? g + d.b1 * a : a;
    case UpdateRule::mean: a = mean(d.b1, a, g); return d.debias ? a * debias_factor(d.b1, step, g.dtype()) : a;
    case UpdateRule::adam:
      a = mean(d.b1, a, g);
      b = mean(d.b2, b, square(g));
      return a * debias_factor(d.b1, step, g.dtype()) /
             (sqrt(b * debias_factor(d.b2, step, g.dtype()) + d.eps_root) + d.eps);
    case UpdateRule::lion: {
      Tensor u = sign(mean(d.b1, a, g));
      a = mean(d.b2, a, g);
      return u;
    }
    case UpdateRule::rms:
    case UpdateRule::centered: {
      a = mean(d.b1, a, square(g));
      Tensor under_root = a;
      if (d.rule == UpdateRule::centered) {
        b = mean(d.b1, b, g);
        under_root = a - square(b);
      }
      return d.eps_in_root ? g / sqrt(under_root + d.eps) : g / (sqrt(under_root) + d.eps);
    }
    case UpdateRule::adagrad: a = a + square(g); return g / sqrt(a + d.eps);
  }
  return g;
}

Tensors composed(const OptimizerUpdate& op, std::span<const Tensor> in) {
  const auto n = static_cast<size_t>(op.parameters(static_cast<int>(in.size())));
  const auto states = static_cast<size_t>(op.states()), first = static_cast<size_t>(op.scalars());
  Tensors out(n * (1 + states));
  for (size_t i = 0; i < n; ++i) {
    const Tensor& p = in[first + i];
    Tensor g = in[first + n + i], state[3];
    for (size_t s = 0; s < states; ++s) state[s] = in[first + (2 + s) * n + i];
    if (op.clips) {
      const Tensor& norm = in[static_cast<size_t>(op.norm_input())];
      g = g * cast(where(norm < op.max_norm, ones_like(norm), op.max_norm / norm), g.dtype());
    }
    if (double rate = op.early_decay.of(i)) g = g + rate * p;
    Tensor u = direction(op.direction, g, state[0], state[1], in[0]);
    if (double rate = op.decay.of(i)) u = u + rate * p;
    if (op.scales) u = u * cast(negative(in[static_cast<size_t>(op.rate_input())]), u.dtype());
    if (op.traces) {
      Tensor& velocity = state[states - 1];
      velocity = u + op.momentum * velocity;
      u = op.nesterov ? u + op.momentum * velocity : velocity;
    }
    out[i] = op.adds ? p + u : u;
    for (size_t s = 0; s < states; ++s) out[(1 + s) * n + i] = state[s];
  }
  return out;
}

/// Parameters and states give way to their successors; an update alone to the gradient.
int overwrites(const OptimizerUpdate& op, int output, int inputs) {
  const int n = op.parameters(inputs);
  if (output < n) return op.scalars() + output + (op.adds ? 0 : n);
  return op.scalars() + n + output;
}

Flops flops(const OptimizerUpdate& op, std::span<const Spec>, std::span<const Spec> out) {
  Flops elements = 0;
  for (const Spec& spec : out) elements += static_cast<Flops>(spec.shape.elements());
  return elements / (1 + op.states()) *
         (op.direction.rule == UpdateRule::adam    ? 14
          : op.direction.rule == UpdateRule::plain ? 2
                                                   : 8);
}

std::vector<Sample> samples() {
  // Values away from 0, where a sign or a root would tell roundings apart.
  auto wave = [](const Shape& shape, double low, double spacing, int64_t shift) {
    std::vector<double> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = low + spacing * static_cast<double>((static_cast<int64_t>(i) + shift) % 7);
    return Tensor::from(values, shape);
  };
  auto make = [&](const OptimizerUpdate& op, const std::vector<Shape>& shapes, int64_t step, double norm = 2.5) {
    Tensors in{Tensor(step)};
    if (op.scales) in.push_back(Tensor(0.125));
    if (op.clips) in.push_back(Tensor(norm));
    const double lows[] = {-1.3, 0.2, 0.4, 2.5, 0.3}, spacings[] = {0.4, 0.35, 0.1, 0.2, 0.15};
    for (int kind = 0; kind < 2 + op.states(); ++kind)
      for (const Shape& shape : shapes) in.push_back(wave(shape, lows[kind], spacings[kind], kind));
    return sample(op, std::move(in), true, 2);
  };
  const Direction adam{.rule = UpdateRule::adam, .b1 = 0.9, .b2 = 0.99, .eps = 1e-3, .eps_root = 1e-4};
  const std::vector<Shape> several{{3, 5}, {}, {0, 7}, {331}}, three{{2, 3}, {7}, {5, 1}};
  std::vector<Sample> list{
      make({.direction = adam, .scales = true}, several, 2),
      make({.clips = true, .max_norm = 1, .direction = adam, .decay = {0.25, {true, false, true}}, .scales = true},
           three, 0),
      make({.clips = true, .max_norm = 3, .early_decay = {0.5}, .scales = true}, three, 1),
      make({.direction = adam, .adds = false}, {{0, 3}}, 0),
      make({.direction = {.rule = UpdateRule::trace, .b1 = 0.5, .nesterov = true}, .scales = true}, three, 3),
      make({.direction = {.rule = UpdateRule::trace, .b1 = 0.5}, .adds = false}, three, 3),
      make({.direction = {.rule = UpdateRule::mean, .b1 = 0.75, .debias = true}}, three, 3),
      make({.direction = {.rule = UpdateRule::mean, .b1 = 0.75}}, three, 3),
      make({.direction = {.rule = UpdateRule::lion, .b1 = 0.9, .b2 = 0.8}, .decay = {0.5}, .scales = true}, three, 0),
      make({.direction = {.rule = UpdateRule::rms, .b1 = 0.9, .eps = 1e-2},
            .scales = true,
            .traces = true,
            .momentum = 0.5},
           several, 0),
      make({.direction = {.rule = UpdateRule::centered, .b1 = 0.5, .eps = 1e-2, .eps_in_root = false},
            .scales = true,
            .traces = true,
            .momentum = 0.5,
            .nesterov = true},
           three, 0),
      make({.direction = {.rule = UpdateRule::adagrad, .eps = 1e-2}, .scales = true}, three, 0)};
  return list;
}

}  // namespace

void define_optimizer_update() {
  define_primitive<OptimizerUpdate>({.shape = shape,
                                     .composed = composed,
                                     .samples = samples,
                                     .not_differentiable = true,
                                     .overwrites = overwrites,
                                     .flops = flops});
}

}  // namespace weft
