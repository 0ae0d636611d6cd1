#include <weft/autograd/ops/gather.hpp>

#include <weft/autograd/jit/trace.hpp>
#include <weft/autograd/ops/index_range.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/scatter.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void expect_indices(std::string_view op, const Spec& indices) {
  expect_dtype(op, indices, integers, "integer indices");
}

Specs take_shape(const op::Take& op, std::span<const Spec> inputs) {
  const Shape& from = inputs[0].shape;
  expect_indices("take", inputs[1]);
  int axis = normalize_axis(op.axis, from, "take");
  if (from[axis] == 0 && op.mode != OutOfRange::fill && inputs[1].shape.elements() > 0)
    throw IndexError("take: nothing to take from axis " + std::to_string(axis) + " of " + to_string(from));
  Shape shape = from.slice(0, axis);
  for (int64_t extent : inputs[1].shape) shape.push_back(extent);
  for (int i = axis + 1; i < from.rank(); ++i) shape.push_back(from[i]);
  return {{shape, inputs[0].dtype}};
}

Tensors take_grad(const op::Take& op, const GradCall& call) {
  const Tensor& g = call.cotangent();
  return {apply(op::Scatter{op.axis, ScatterKind::add, op.mode},
                {zeros_view(g, call.inputs[0].shape()), call.inputs[1], g}),
          Tensor()};
}

Specs take_along_axis_shape(const op::TakeAlongAxis& op, std::span<const Spec> inputs) {
  const Shape &from = inputs[0].shape, &at = inputs[1].shape;
  expect_indices("take_along_axis", inputs[1]);
  int axis = normalize_axis(op.axis, from, "take_along_axis");
  bool fits = from.rank() == at.rank();
  for (int i = 0; fits && i < from.rank(); ++i) fits = i == axis || from[i] == at[i];
  if (!fits)
    throw ShapeError("take_along_axis: expected indices that fit " + to_string(from) + " but for axis " +
                     std::to_string(axis) + ", got " + to_string(at));
  if (from[axis] == 0 && at.elements() > 0)
    throw IndexError("take_along_axis: nothing to take from axis " + std::to_string(axis) + " of " + to_string(from));
  return {{at, inputs[0].dtype}};
}

Tensors take_along_axis_grad(const op::TakeAlongAxis& op, const GradCall& call) {
  const Tensor& g = call.cotangent();
  return {apply(op::ScatterAlongAxis{op.axis, ScatterKind::add},
                {zeros_view(g, call.inputs[0].shape()), call.inputs[1], g}),
          Tensor()};
}

std::vector<Sample> take_samples() {
  auto rows = [](const Shape& shape, int64_t extent) { return spread_integers(shape, -extent, extent, DType::int32); };
  return {sample(op::Take{0}, {spread({5, 7}, -1, 1), rows({2, 3}, 5)}),
          sample(op::Take{1}, {spread({3, 5, 2}, -1, 1), spread_integers({11}, 0, 5, DType::int64)}),
          sample(op::Take{2}, {spread({3, 2, 7}, -1, 1), rows({}, 7)}),
          sample(op::Take{0, OutOfRange::fill, 0.5}, {spread({5, 3}, -1, 1), rows({13}, 9)}),
          sample(op::Take{0, OutOfRange::clip}, {spread({5, 3}, -1, 1), rows({13}, 9)}),
          sample(op::Take{1, OutOfRange::wrap}, {spread({2, 5}, -1, 1), rows({13}, 19)}),
          sample(op::Take{0}, {spread({5, 3}, -1, 1), rows({0}, 5)}),
          sample(op::Take{0}, {spread({5, 0}, -1, 1), rows({2}, 5)}),
          sample(op::Take{0}, {spread({31, 67}, -1, 1), rows({211}, 31)}),
          sample(op::Take{0}, {spread_booleans({7}), rows({5}, 7)}),
          sample(op::Take{0}, {spread_integers({7, 3}, -9, 9, DType::int64), rows({5}, 7)})};
}
std::vector<Sample> take_along_axis_samples() {
  auto places = [](const Shape& shape, int64_t extent) {
    return spread_integers(shape, -extent, extent, DType::int32);
  };
  return {sample(op::TakeAlongAxis{1}, {spread({3, 5}, -1, 1), places({3, 2}, 5)}),
          sample(op::TakeAlongAxis{0}, {spread({3, 5, 2}, -1, 1), places({7, 5, 2}, 3)}),
          sample(op::TakeAlongAxis{1}, {spread({3, 5, 2}, -1, 1), spread_integers({3, 5, 2}, 0, 5, DType::int64)}),
          sample(op::TakeAlongAxis{0}, {spread({5}, -1, 1), places({0}, 5)}),
          sample(op::TakeAlongAxis{0}, {spread_integers({5, 2}, -9, 9, DType::int32), places({3, 2}, 5)})};
}

}  // namespace

void define_gather() {
  define_primitive<op::Take>({.shape = take_shape, .grad = take_grad, .samples = take_samples, .saved_inputs = 0b10});
  define_primitive<op::TakeAlongAxis>({.shape = take_along_axis_shape,
                                       .grad = take_along_axis_grad,
                                       .samples = take_along_axis_samples,
                                       .saved_inputs = 0b10});
}

Tensor check_indices(const char* op, const Tensor& indices, int64_t extent, bool negative) {
  expect_indices(op, indices.spec());
  const IndexRange range{op, extent, negative};
  if (indices.is_traced()) {
    Trace* trace = Trace::current();
    if (!trace) throw_traced(op, indices);
    if (extent == 0 && indices.elements() > 0)
      throw IndexError(std::string(op) + ": there is no index into an axis of 0");
    return trace->guard(indices, range) ? indices : clip(indices, range.lowest(), extent - 1);
  }
  if (!indices.is_meta() && indices.device().backend().is_host()) range.check(indices);
  return indices;
}

Tensor take(const Tensor& x, const Tensor& indices, int axis, OutOfRange mode, double fill_value) {
  axis = normalize_axis(axis, x.shape(), "take");
  const Tensor places = mode == OutOfRange::error ? check_indices("take", indices, x.shape()[axis]) : indices;
  return apply(op::Take{axis, mode, mode == OutOfRange::fill ? fill_value : 0}, {x, places});
}

Tensor take(const Tensor& x, const Tensor& indices) { return take(ravel(x), indices, 0); }

Tensor take_along_axis(const Tensor& x, const Tensor& indices, int axis) {
  axis = normalize_axis(axis, x.shape(), "take_along_axis");
  if (indices.rank() != x.rank())
    throw ShapeError("take_along_axis: expected indices of rank " + std::to_string(x.rank()) + ", got " +
                     to_string(indices.shape()));
  const Tensor places = check_indices("take_along_axis", indices, x.shape()[axis]);
  Shape from = x.shape(), at = indices.shape();
  from[axis] = at[axis] = 1;
  from = broadcast_shapes(from, at, "take_along_axis");
  at = from;
  from[axis] = x.shape()[axis];
  at[axis] = indices.shape()[axis];
  return apply(op::TakeAlongAxis{axis}, {broadcast_to(x, from), broadcast_to(places, at)});
}

Tensor flat_indices(const char* op, const std::vector<Tensor>& indices, const Shape& extents) {
  Tensor flat;
  for (size_t i = 0; i < indices.size(); ++i) {
    int64_t extent = extents[static_cast<int>(i)];
    Tensor places = cast(check_indices(op, indices[i], extent), DType::int64);
    if (indices.size() == 1) return places;
    places = where(less(places, 0), places + extent, places);
    flat = flat.defined() ? flat * extent + places : places;
  }
  return flat;
}

Tensor gather(const Tensor& x, const std::vector<Tensor>& indices, int leading) {
  int count = static_cast<int>(indices.size());
  if (count == 0 || leading < 0 || leading + count > x.rank())
    throw ShapeError("gather: expected 1 to " + std::to_string(x.rank() - leading) + " index tensors after " +
                     std::to_string(leading) + " whole axes of " + to_string(x.shape()) + ", got " +
                     std::to_string(count));
  Tensor flat = flat_indices("gather", indices, x.shape().slice(leading, leading + count));
  return apply(op::Take{leading}, {flatten(x, leading, leading + count - 1), flat});
}

Tensor gather_nd(const Tensor& x, const Tensor& indices) {
  if (indices.rank() == 0 || indices.size(-1) < 1 || indices.size(-1) > x.rank())
    throw ShapeError("gather_nd: expected indices [..., 1 to " + std::to_string(x.rank()) + "], got " +
                     to_string(indices.shape()));
  std::vector<Tensor> columns;
  for (int64_t i = 0; i < indices.size(-1); ++i) columns.push_back(index(indices, {ellipsis, i}));
  return gather(x, columns);
}

Tensor embedding(const Tensor& table, const Tensor& ids) {
  if (table.rank() != 2)
    throw ShapeError("embedding: expected a table [entries, features], got " + to_string(table.shape()));
  return apply(op::Take{0}, {table, check_indices("embedding", ids, table.size(0))});
}

}  // namespace weft
