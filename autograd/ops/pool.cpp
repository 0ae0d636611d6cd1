#include <weft/autograd/ops/pool.hpp>

#include <limits>
#include <string>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// Shape of the results for x [N, space..., features].
Shape pooled_shape(const char* op, const PoolGeometry& g, const Shape& x) {
  const int axes = g.window.rank();
  if (axes < 1 || axes > 3 || x.rank() != axes + 2)
    throw ShapeError(std::string(op) + ": expected [N, space..., features] with " + std::to_string(axes) +
                     " space axes, got " + to_string(x));
  Shape y{x[0]};
  for (int axis = 0; axis < axes; ++axis)
    y.push_back(window_count(x[axis + 1] + g.low[axis] + g.high[axis], g.window[axis], 1, g.strides[axis]));
  y.push_back(x.back());
  return y;
}

Shape unpooled_shape(const Shape& y, const Shape& space) {
  Shape x{y[0]};
  for (int64_t extent : space) x.push_back(extent);
  x.push_back(y.back());
  return x;
}

Shape space_of(const Shape& x) { return x.slice(1, x.rank() - 1); }

Specs extreme_shape(const op::ExtremePool& op, std::span<const Spec> in) {
  expect_number("extreme_pool", in[0]);
  if (space_of(in[0].shape).elements() > std::numeric_limits<int32_t>::max())
    throw ShapeError("extreme_pool: expected less than 2^31 places in " + to_string(in[0].shape));
  Shape y = pooled_shape("extreme_pool", op.geometry, in[0].shape);
  return {{y, in[0].dtype}, {y, DType::int32}};
}

Tensors extreme_grad(const op::ExtremePool& op, const GradCall& call) {
  return {apply(op::PoolScatter{op.geometry, space_of(call.inputs[0].shape())}, {call.cotangents[0], call.outputs[1]})};
}

void expect_places(const char* op, const Spec& places) { expect_dtype(op, places, {DType::int32}, "int32 places"); }

Specs scatter_shape(const op::PoolScatter& op, std::span<const Spec> in) {
  expect_number("pool_scatter", in[0]);
  expect_places("pool_scatter", in[1]);
  expect_same_shape("pool_scatter", in[0], in[1]);
  const Shape x = unpooled_shape(in[0].shape, op.space), y = pooled_shape("pool_scatter", op.geometry, x);
  if (!(y == in[0].shape))
    throw ShapeError("pool_scatter: expected values and places of shape " + to_string(y) + ", got " +
                     to_string(in[0].shape));
  return {{x, in[0].dtype}};
}

Tensors scatter_grad(const op::PoolScatter& op, const GradCall& call) {
  return {apply(op::PoolGather{op.geometry}, {call.cotangent(), call.inputs[1]}), Tensor()};
}

Specs gather_shape(const op::PoolGather&, std::span<const Spec> in) {
  expect_number("pool_gather", in[0]);
  expect_places("pool_gather", in[1]);
  const Shape &x = in[0].shape, &places = in[1].shape;
  if (x.rank() != places.rank() || x.rank() < 3 || x[0] != places[0] || x.back() != places.back())
    throw ShapeError("pool_gather: expected x [N, space..., features] and places [N, positions..., features], got " +
                     to_string(x) + " and " + to_string(places));
  return {{places, in[0].dtype}};
}

Tensors gather_grad(const op::PoolGather& op, const GradCall& call) {
  return {apply(op::PoolScatter{op.geometry, space_of(call.inputs[0].shape())}, {call.cotangent(), call.inputs[1]}),
          Tensor()};
}

Specs sum_shape(const op::SumPool& op, std::span<const Spec> in) {
  expect_number("sum_pool", in[0]);
  return {{pooled_shape("sum_pool", op.geometry, in[0].shape), in[0].dtype}};
}

Tensors sum_grad(const op::SumPool& op, const GradCall& call) {
  return {apply(op::SumPoolGrad{op.geometry, space_of(call.inputs[0].shape())}, {call.cotangent()})};
}

Specs sum_grad_shape(const op::SumPoolGrad& op, std::span<const Spec> in) {
  expect_number("sum_pool_grad", in[0]);
  Shape x = unpooled_shape(in[0].shape, op.space), y = pooled_shape("sum_pool_grad", op.geometry, x);
  if (!(y == in[0].shape))
    throw ShapeError("sum_pool_grad: expected a cotangent of shape " + to_string(y) + ", got " +
                     to_string(in[0].shape));
  return {{x, in[0].dtype}};
}

Tensors sum_grad_grad(const op::SumPoolGrad& op, const GradCall& call) {
  return {apply(op::SumPool{op.geometry}, {call.cotangent()})};
}

struct Example {
  Shape x;
  PoolGeometry geometry;
};

std::vector<Example> examples() {
  return {{{2, 7, 3}, {{3}, {2}, {0}, {0}}},
          {{1, 5, 2}, {{2}, {1}, {1}, {1}}},
          {{2, 5, 7, 3}, {{2, 3}, {2, 2}, {0, 1}, {1, 1}}},
          {{1, 4, 3, 5, 2}, {{2, 2, 3}, {2, 1, 2}, {0, 1, 1}, {0, 0, 1}}},
          {{0, 5, 2}, {{2}, {1}, {0}, {0}}},
          {{2, 5, 3}, {{2}, {2}, {2}, {0}}},
          {{2, 1, 3}, {{2}, {1}, {0}, {0}}}};
}

std::vector<Sample> extreme_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples())
    for (bool minimum : {false, true})
      samples.push_back(sample(op::ExtremePool{e.geometry, minimum}, {spread(e.x, -2, 2)},
                               e.geometry.low[0] < e.geometry.window[0]));  // windows of padding give infinity
  samples.push_back(
      sample(op::ExtremePool{{{2}, {1}, {0}, {0}}, false}, {spread_integers({2, 7, 3}, -3, 3, DType::int32)}, false));
  return samples;
}

/// Places that ExtremePool gives for the example, and values of their shape.
template <class Make> std::vector<Sample> place_samples(Make&& make) {
  std::vector<Sample> samples;
  for (const Example& e : examples()) {
    const Shape y = pooled_shape("extreme_pool", e.geometry, e.x);
    Tensor places = apply_all(op::ExtremePool{e.geometry}, {spread(e.x, -1, 1, 3)})[1];
    samples.push_back(make(e, y, places));
  }
  return samples;
}

std::vector<Sample> scatter_samples() {
  return place_samples([](const Example& e, const Shape& y, const Tensor& places) {
    return sample(op::PoolScatter{e.geometry, space_of(e.x)}, {spread(y, -1, 1), places});
  });
}

std::vector<Sample> gather_samples() {
  return place_samples([](const Example& e, const Shape&, const Tensor& places) {
    return sample(op::PoolGather{e.geometry}, {spread(e.x, -1, 1), places});
  });
}

std::vector<Sample> sum_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples()) samples.push_back(sample(op::SumPool{e.geometry}, {spread(e.x, -1, 1)}));
  return samples;
}

std::vector<Sample> sum_grad_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples())
    samples.push_back(sample(op::SumPoolGrad{e.geometry, space_of(e.x)},
                             {spread(pooled_shape("sum_pool_grad", e.geometry, e.x), -1, 1)}));
  return samples;
}

Flops window_flops(const PoolGeometry& g, const Shape& y) {
  return static_cast<Flops>(y.elements()) * static_cast<Flops>(g.window.elements());
}

/// A pool's input with one batch axis, and its geometry.
struct Prepared {
  Tensor x;
  Shape batch;
  PoolGeometry geometry;

  Tensor restored(const Tensor& y) const {
    if (batch.rank() == 1) return y;
    Shape out = batch;
    for (int axis = 1; axis < y.rank(); ++axis) out.push_back(y.shape()[axis]);
    return reshape(y, out);
  }
};

Prepared prepare(const char* op, const Tensor& x, const Shape& window, const Shape& strides, const Padding& padding) {
  const int axes = window.rank();
  if (axes < 1 || axes > 3 || x.rank() < axes + 1)
    throw ShapeError(std::string(op) +
                     ": expected [batch..., space..., features] with one to three space axes for the window " +
                     to_string(window) + ", got " + to_string(x.shape()));
  if (padding.rule != PaddingRule::valid && padding.rule != PaddingRule::same && padding.rule != PaddingRule::exact)
    throw ValueError(std::string(op) + ": expected valid, same or exact padding");
  const int batch_rank = x.rank() - axes - 1;
  const Shape space = x.shape().slice(batch_rank, batch_rank + axes);
  Prepared result{x, x.shape().slice(0, batch_rank), {}};
  result.geometry.window = per_space_axis(window, axes, 1, op, "a window");
  result.geometry.strides = per_space_axis(strides, axes, 1, op, "strides");
  PaddingAmounts amounts = padding_amounts(padding, space, window, result.geometry.strides, Shape::filled(axes, 1), op);
  for (int axis = 0; axis < axes; ++axis)
    if (amounts.low[axis] < 0 || amounts.high[axis] < 0)
      throw ValueError(std::string(op) + ": expected padding of at least 0, got " + to_string(amounts.low) + " and " +
                       to_string(amounts.high));
  result.geometry.low = amounts.low;
  result.geometry.high = amounts.high;
  if (batch_rank != 1) {
    Shape flat{result.batch.elements()};
    for (int axis = batch_rank; axis < x.rank(); ++axis) flat.push_back(x.shape()[axis]);
    result.x = reshape(x, flat);
  }
  return result;
}

Tensor extreme_pool(const char* op, const Tensor& x, const Shape& window, const Shape& strides, const Padding& padding,
                    bool minimum) {
  Prepared prepared = prepare(op, x, window, strides, padding);
  return prepared.restored(apply(op::ExtremePool{prepared.geometry, minimum}, {prepared.x}));
}

}  // namespace

Tensor max_pool(const Tensor& x, const Shape& window, const Shape& strides, const Padding& padding) {
  return extreme_pool("max_pool", x, window, strides, padding, false);
}

Tensor min_pool(const Tensor& x, const Shape& window, const Shape& strides, const Padding& padding) {
  return extreme_pool("min_pool", x, window, strides, padding, true);
}

Tensor avg_pool(const Tensor& x, const Shape& window, const Shape& strides, const Padding& padding,
                bool count_include_pad) {
  Prepared prepared = prepare("avg_pool", cast(x, at_least_float(x.dtype())), window, strides, padding);
  const op::SumPool pool{prepared.geometry};
  Tensor sums = apply(pool, {prepared.x});
  if (count_include_pad) return prepared.restored(sums * (1.0 / static_cast<double>(window.elements())));
  Shape one = prepared.x.shape();
  one[0] = one[one.rank() - 1] = 1;
  return prepared.restored(sums / apply(pool, {ones(one, sums.dtype(), x.device())}));
}

void define_pool() {
  define_primitive<op::ExtremePool>(
      {.shape = extreme_shape,
       .grad = extreme_grad,
       .samples = extreme_samples,
       .saved_outputs = 0b10,
       .flops = [](const op::ExtremePool& op, std::span<const Spec>, std::span<const Spec> out) {
         return window_flops(op.geometry, out[0].shape);
       }});
  define_primitive<op::PoolScatter>(
      {.shape = scatter_shape, .grad = scatter_grad, .samples = scatter_samples, .saved_inputs = 0b10});
  define_primitive<op::PoolGather>(
      {.shape = gather_shape, .grad = gather_grad, .samples = gather_samples, .saved_inputs = 0b10});
  define_primitive<op::SumPool>({.shape = sum_shape,
                                 .grad = sum_grad,
                                 .samples = sum_samples,
                                 .flops = [](const op::SumPool& op, std::span<const Spec>, std::span<const Spec> out) {
                                   return window_flops(op.geometry, out[0].shape);
                                 }});
  define_primitive<op::SumPoolGrad>(
      {.shape = sum_grad_shape,
       .grad = sum_grad_grad,
       .samples = sum_grad_samples,
       .flops = [](const op::SumPoolGrad& op, std::span<const Spec> in, std::span<const Spec>) {
         return window_flops(op.geometry, in[0].shape);
       }});
}

}  // namespace weft
