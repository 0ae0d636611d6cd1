#include <weft/autograd/ops/scatter.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// The shape of updates for `indices` at `axis` of `shape`.
Shape updates_shape(const Shape& shape, const Shape& indices, int axis) {
  Shape result = shape.slice(0, axis);
  for (int64_t extent : indices) result.push_back(extent);
  for (int i = axis + 1; i < shape.rank(); ++i) result.push_back(shape[i]);
  return result;
}

Specs checked(std::string_view name, const Shape& expected, std::span<const Spec> inputs) {
  expect_dtype(name, inputs[1], integers, "integer indices");
  expect_same_dtype(name, inputs[0], inputs[2]);
  if (!(inputs[2].shape == expected))
    throw ShapeError(std::string(name) + ": expected updates of shape " + to_string(expected) + ", got " +
                     to_string(inputs[2].shape));
  return {inputs[0]};
}

template <class Op> Specs scatter_shape(const Op& op, std::span<const Spec> inputs) {
  int axis = normalize_axis(op.axis, inputs[0].shape, "scatter");
  return checked(Op::name, updates_shape(inputs[0].shape, inputs[1].shape, axis), inputs);
}

Specs scatter_along_axis_shape(const op::ScatterAlongAxis& op, std::span<const Spec> inputs) {
  int axis = normalize_axis(op.axis, inputs[0].shape, "scatter_along_axis");
  Shape expected = inputs[0].shape;
  if (inputs[1].shape.rank() == expected.rank()) expected[axis] = inputs[1].shape[axis];
  expect_same_shape("scatter_along_axis", {expected, inputs[1].dtype}, inputs[1]);
  return checked("scatter_along_axis", expected, inputs);
}

/// 0, 1, ..., count - 1 where `like` lives.
Tensor counting(const Tensor& like, int64_t count) {
  return like.is_meta() ? Tensor::meta({count}, DType::int64) : arange(count, DType::int64, like.device());
}

/// One value for each index as [1..., indices' shape..., 1...], to stand beside the updates.
Tensor beside_updates(const Tensor& values, int axis, int rank) {
  Shape shape = values.shape();
  for (int i = 0; i < axis; ++i) shape.insert(0, 1);
  for (int i = axis + 1; i < rank; ++i) shape.push_back(1);
  return reshape(values, shape);
}

Tensors scatter_grad(const op::Scatter& op, const GradCall& call) {
  const Tensor &g = call.cotangent(), &indices = call.inputs[1];
  const Shape& shape = call.inputs[0].shape();
  op::Take take{op.axis, op.mode, 0};
  Tensor x, updates;
  if (op.kind == ScatterKind::add) {
    x = g;
    if (call.wants(2)) updates = apply(take, {g, indices});
    return {x, Tensor(), updates};
  }
  if (call.wants(0)) x = apply(op, {g, indices, zeros_view(g, call.inputs[2].shape())});
  if (call.wants(2)) {
    // Of several updates of one place the last stays, and it alone has a gradient: scatter each update's number, and
    // see who finds its own again.
    Tensor numbers = reshape(counting(g, indices.elements()), indices.shape());
    Tensor slots = full_like(counting(g, shape[op.axis]), -1);
    Tensor last = apply(op::Scatter{0, ScatterKind::set, op.mode}, {slots, indices, numbers});
    Tensor stayed = equal(apply(op::Take{0, op.mode, -1}, {last, indices}), numbers);
    updates = where(beside_updates(stayed, op.axis, shape.rank()), apply(take, {g, indices}), 0);
  }
  return {x, Tensor(), updates};
}

Tensors scatter_max_grad(const op::ScatterMax& op, const GradCall& call) {
  const Tensor &g = call.cotangent(), &indices = call.inputs[1], &result = call.outputs[0];
  op::Take take{op.axis, op.mode, 0};
  // All that reach the maximum share its gradient equally.
  DType dtype = g.dtype();
  Tensor kept = cast(equal(call.inputs[0], result), dtype);
  Tensor reached = cast(equal(call.inputs[2], apply(take, {result, indices})), dtype);
  Tensor count = apply(op::Scatter{op.axis, ScatterKind::add, op.mode}, {kept, indices, reached});
  Tensor share = g / maximum(count, 1);
  return {share * kept, Tensor(), apply(take, {share, indices}) * reached};
}

Tensors scatter_along_axis_grad(const op::ScatterAlongAxis& op, const GradCall& call) {
  const Tensor &g = call.cotangent(), &indices = call.inputs[1];
  op::TakeAlongAxis take{op.axis};
  if (op.kind == ScatterKind::add) return {g, Tensor(), call.wants(2) ? apply(take, {g, indices}) : Tensor()};
  Tensor x, updates;
  if (call.wants(0)) x = apply(op, {g, indices, zeros_view(g, call.inputs[2].shape())});
  if (call.wants(2)) {
    Shape line = Shape::filled(indices.rank(), 1);
    line[op.axis] = indices.shape()[op.axis];
    Tensor numbers = broadcast_to(reshape(counting(g, line[op.axis]), line), indices.shape());
    Tensor last =
        apply(op::ScatterAlongAxis{op.axis, ScatterKind::set}, {full_like(g, -1, DType::int64), indices, numbers});
    updates = where(equal(apply(take, {last, indices}), numbers), apply(take, {g, indices}), 0);
  }
  return {x, Tensor(), updates};
}

template <class Op> std::vector<Sample> common_samples(Op op) {
  auto with = [&](int axis, OutOfRange mode = OutOfRange::error) {
    Op changed = op;
    changed.axis = axis;
    changed.mode = mode;
    return changed;
  };
  auto rows = [](const Shape& shape, int64_t extent) { return spread_integers(shape, -extent, extent, DType::int32); };
  return {sample(with(0), {spread({5, 7}, -1, 1), rows({2, 3}, 5), spread({2, 3, 7}, -1, 1, 1)}),
          sample(with(1),
                 {spread({3, 5, 2}, -1, 1), spread_integers({11}, 0, 5, DType::int64), spread({3, 11, 2}, -1, 1, 1)}),
          sample(with(0), {spread({5}, -1, 1), rows({}, 5), spread({}, -1, 1, 1)}),
          sample(with(0, OutOfRange::fill), {spread({5, 3}, -1, 1), rows({13}, 9), spread({13, 3}, -1, 1, 1)}),
          sample(with(0, OutOfRange::clip), {spread({5, 3}, -1, 1), rows({13}, 9), spread({13, 3}, -1, 1, 1)}),
          sample(with(1, OutOfRange::wrap), {spread({2, 5}, -1, 1), rows({13}, 19), spread({2, 13}, -1, 1, 1)}),
          sample(with(0), {spread({5, 3}, -1, 1), rows({0}, 5), spread({0, 3}, -1, 1, 1)}),
          sample(with(0), {spread({31, 67}, -1, 1), rows({97}, 31), spread({97, 67}, -1, 1, 1)}),
          sample(with(0), {spread_integers({7, 3}, -9, 9, DType::int64), rows({5}, 7),
                           spread_integers({5, 3}, -9, 9, DType::int64, 1)})};
}

std::vector<Sample> scatter_samples() {
  std::vector<Sample> samples = common_samples(op::Scatter{0, ScatterKind::add});
  for (Sample& set : common_samples(op::Scatter{0, ScatterKind::set})) samples.push_back(std::move(set));
  return samples;
}

std::vector<Sample> scatter_along_axis_samples() {
  std::vector<Sample> samples;
  for (ScatterKind kind : {ScatterKind::add, ScatterKind::set}) {
    samples.push_back(
        sample(op::ScatterAlongAxis{1, kind},
               {spread({3, 5}, -1, 1), spread_integers({3, 7}, -5, 5, DType::int32), spread({3, 7}, -1, 1, 1)}));
    samples.push_back(sample(
        op::ScatterAlongAxis{0, kind},
        {spread({3, 5, 2}, -1, 1), spread_integers({2, 5, 2}, 0, 3, DType::int64), spread({2, 5, 2}, -1, 1, 1)}));
    samples.push_back(sample(op::ScatterAlongAxis{0, kind},
                             {spread({5}, -1, 1), spread_integers({0}, 0, 5, DType::int32), spread({0}, -1, 1, 1)}));
  }
  return samples;
}

enum class Way { add, set, max };
constexpr const char* names[] = {"scatter_add", "scatter_set", "scatter_max"};

Tensor scatter(Way way, const Tensor& x, const Tensor& indices, const Tensor& updates, int axis, OutOfRange mode) {
  const char* name = names[static_cast<int>(way)];
  axis = normalize_axis(axis, x.shape(), name);
  const Tensor places = mode == OutOfRange::error ? check_indices(name, indices, x.shape()[axis]) : indices;
  Tensor fitted = broadcast_to(cast(updates, x.dtype()), updates_shape(x.shape(), indices.shape(), axis));
  if (way == Way::max) return apply(op::ScatterMax{axis, mode}, {x, places, fitted});
  ScatterKind kind = way == Way::add ? ScatterKind::add : ScatterKind::set;
  return apply(op::Scatter{axis, kind, mode}, {x, places, fitted});
}

Tensor scatter(Way way, const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates) {
  const char* name = names[static_cast<int>(way)];
  int count = static_cast<int>(indices.size());
  if (count == 0 || count > x.rank())
    throw ShapeError(std::string(name) + ": expected 1 to " + std::to_string(x.rank()) + " index tensors for " +
                     to_string(x.shape()) + ", got " + std::to_string(count));
  Tensor flat = flat_indices(name, indices, x.shape().slice(0, count));
  return reshape(scatter(way, flatten(x, 0, count - 1), flat, updates, 0, OutOfRange::error), x.shape());
}

Tensor scatter_along_axis(const char* name, ScatterKind kind, const Tensor& x, const Tensor& indices,
                          const Tensor& updates, int axis) {
  axis = normalize_axis(axis, x.shape(), name);
  const Tensor places = check_indices(name, indices, x.shape()[axis]);
  Shape shape = x.shape();
  shape[axis] = indices.rank() == x.rank() ? indices.shape()[axis] : 1;
  return apply(op::ScatterAlongAxis{axis, kind},
               {x, broadcast_to(places, shape), broadcast_to(cast(updates, x.dtype()), shape)});
}

Tensor segments_start(const Tensor& data, const Tensor& ids, int64_t segments, double value, const char* name) {
  if (data.rank() == 0 || !(ids.shape() == Shape{data.size(0)}))
    throw ShapeError(std::string(name) + ": expected one segment id for each row of data, got data " +
                     to_string(data.shape()) + " and ids " + to_string(ids.shape()));
  if (segments < 0)
    throw ValueError(std::string(name) + ": expected a number of segments of 0 or more, got " +
                     std::to_string(segments));
  check_indices(name, ids, segments, false);
  Shape shape = data.shape();
  shape[0] = segments;
  if (data.is_meta()) return Tensor::meta(shape, data.dtype());
  return full(shape, value, data.dtype(), data.device());
}

}  // namespace

void define_scatter() {
  define_primitive<op::Scatter>(
      {.shape = scatter_shape<op::Scatter>, .grad = scatter_grad, .samples = scatter_samples, .saved_inputs = 0b10});
  define_primitive<op::ScatterMax>({.shape = scatter_shape<op::ScatterMax>,
                                    .grad = scatter_max_grad,
                                    .samples = [] { return common_samples(op::ScatterMax{}); },
                                    .saved_inputs = 0b111,
                                    .saved_outputs = 1});
  define_primitive<op::ScatterAlongAxis>({.shape = scatter_along_axis_shape,
                                          .grad = scatter_along_axis_grad,
                                          .samples = scatter_along_axis_samples,
                                          .saved_inputs = 0b10});
}

Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis, OutOfRange mode) {
  return scatter(Way::add, x, indices, updates, axis, mode);
}
Tensor scatter_set(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis, OutOfRange mode) {
  return scatter(Way::set, x, indices, updates, axis, mode);
}
Tensor scatter_max(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis, OutOfRange mode) {
  return scatter(Way::max, x, indices, updates, axis, mode);
}
Tensor scatter_add(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates) {
  return scatter(Way::add, x, indices, updates);
}
Tensor scatter_set(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates) {
  return scatter(Way::set, x, indices, updates);
}
Tensor scatter_max(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates) {
  return scatter(Way::max, x, indices, updates);
}

Tensor add_along_axis(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  return scatter_along_axis("add_along_axis", ScatterKind::add, x, indices, updates, axis);
}
Tensor put_along_axis(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  return scatter_along_axis("put_along_axis", ScatterKind::set, x, indices, updates, axis);
}

Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, int64_t segments) {
  Tensor start = segments_start(data, segment_ids, segments, 0, "segment_sum");
  return apply(op::Scatter{0, ScatterKind::add}, {start, segment_ids, data});
}

Tensor segment_max(const Tensor& data, const Tensor& segment_ids, int64_t segments) {
  double lowest = -std::numeric_limits<double>::infinity();
  if (data.dtype() == DType::int32) lowest = std::numeric_limits<int32_t>::lowest();
  if (data.dtype() == DType::int64) lowest = -0x1p63;
  if (data.dtype() == DType::boolean) lowest = 0;
  Tensor start = segments_start(data, segment_ids, segments, lowest, "segment_max");
  return apply(op::ScatterMax{0}, {start, segment_ids, data});
}

}  // namespace weft
