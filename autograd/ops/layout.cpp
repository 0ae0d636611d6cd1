#include <weft/autograd/ops/layout.hpp>

#include <algorithm>

#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs reshape_shape(const op::Reshape& op, std::span<const Spec> inputs) {
  if (op.shape.elements() != inputs[0].shape.elements())
    throw ShapeError("reshape: expected a shape for " + std::to_string(inputs[0].shape.elements()) + " elements of " +
                     to_string(inputs[0].shape) + ", got " + to_string(op.shape));
  return {{op.shape, inputs[0].dtype}};
}

/// Strides under which memory of `from` and `steps` has the shape `to`; false when there are none.
bool reshaped_strides(const Shape& from, const Strides& steps, const Shape& to, Strides& result) {
  Shape extents;
  Strides strides;
  for (int i = 0; i < from.rank(); ++i) {
    if (from[i] == 1) continue;
    extents.push_back(from[i]);
    strides.push_back(steps[i]);
  }
  result = row_major_strides(to);
  int old = 0, next = 0;
  // Takes the smallest runs of old and new axes with the same number of elements; within one the old axes have to lie
  // without a gap.
  while (old < extents.rank()) {
    int64_t old_count = extents[old], new_count = 1;
    int old_end = old + 1, new_end = next;
    while (new_count != old_count) {
      if (new_count < old_count) new_count *= to[new_end++];
      else old_count *= extents[old_end++];
    }
    for (int i = old; i + 1 < old_end; ++i)
      if (strides[i] != strides[i + 1] * extents[i + 1]) return false;
    int64_t step = strides[old_end - 1];
    for (int i = new_end - 1; i >= next; --i) {
      result[i] = step;
      step *= to[i];
    }
    old = old_end;
    next = new_end;
  }
  return true;
}

Tensor reshape_view(const op::Reshape& op, const Tensor& x) {
  Strides strides;
  if (x.is_contiguous() || x.elements() == 0) return x.strided_view(op.shape, row_major_strides(op.shape), x.offset());
  if (reshaped_strides(x.shape(), x.strides(), op.shape, strides)) return x.strided_view(op.shape, strides, x.offset());
  return copy(x).strided_view(op.shape, row_major_strides(op.shape), 0);
}

Tensors reshape_grad(const op::Reshape&, const GradCall& call) {
  return {reshape(call.cotangent(), call.inputs[0].shape())};
}

Specs transpose_shape(const op::Transpose& op, std::span<const Spec> inputs) {
  const Shape& from = inputs[0].shape;
  Shape to, seen = Shape::filled(from.rank(), 0);
  bool fits = op.axes.rank() == from.rank();
  for (int i = 0; fits && i < from.rank(); ++i) {
    fits = op.axes[i] >= 0 && op.axes[i] < from.rank() && seen[static_cast<int>(op.axes[i])]++ == 0;
    if (fits) to.push_back(from[static_cast<int>(op.axes[i])]);
  }
  if (!fits)
    throw ShapeError("transpose: expected a permutation of the axes of " + to_string(from) + ", got " +
                     to_string(op.axes));
  return {{to, inputs[0].dtype}};
}

Tensor transpose_view(const op::Transpose& op, const Tensor& x) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  for (int i = 0; i < x.rank(); ++i) {
    shape[i] = x.shape()[static_cast<int>(op.axes[i])];
    strides[i] = x.strides()[static_cast<int>(op.axes[i])];
  }
  return x.strided_view(shape, strides, x.offset());
}

Tensors transpose_grad(const op::Transpose& op, const GradCall& call) {
  op::Transpose inverse = op;
  for (int i = 0; i < op.axes.rank(); ++i) inverse.axes[static_cast<int>(op.axes[i])] = i;
  return {apply(inverse, {call.cotangent()})};
}

Specs broadcast_to_shape(const op::BroadcastTo& op, std::span<const Spec> inputs) {
  const Shape& from = inputs[0].shape;
  bool fits = from.rank() <= op.shape.rank();
  for (int i = 0; fits && i < from.rank(); ++i) {
    int64_t target = op.shape[op.shape.rank() - from.rank() + i];
    fits = target >= 0 && (from[i] == target || from[i] == 1);
  }
  if (!fits)
    throw ShapeError("broadcast_to: expected a shape that broadcasts to " + to_string(op.shape) + ", got " +
                     to_string(from));
  return {{op.shape, inputs[0].dtype}};
}

Tensor broadcast_to_view(const op::BroadcastTo& op, const Tensor& x) {
  Strides strides = Strides::filled(op.shape.rank(), 0);
  int shift = op.shape.rank() - x.rank();
  for (int i = 0; i < x.rank(); ++i) strides[i + shift] = x.shape()[i] == 1 ? 0 : x.strides()[i];
  return x.strided_view(op.shape, strides, x.offset());
}

Tensors broadcast_to_grad(const op::BroadcastTo&, const GradCall& call) {
  return {sum_to(call.cotangent(), call.inputs[0].shape())};
}

std::vector<Sample> reshape_samples() {
  return {sample(op::Reshape{{7, 15}}, {spread({3, 5, 7}, -1, 1)}),
          sample(op::Reshape{{5, 1, 3}}, {spread({3, 5}, -1, 1)}),
          sample(op::Reshape{{}}, {spread({1, 1}, -1, 1)}),
          sample(op::Reshape{{1}}, {spread({}, -1, 1)}),
          sample(op::Reshape{{0, 11}}, {spread({3, 0}, -1, 1)}),
          sample(op::Reshape{{13}}, {spread_booleans({13, 1})}),
          sample(op::Reshape{{2, 3, 5}}, {spread_integers({5, 6}, -9, 9, DType::int64)})};
}
std::vector<Sample> transpose_samples() {
  return {sample(op::Transpose{{2, 0, 1}}, {spread({3, 5, 7}, -1, 1)}),
          sample(op::Transpose{{1, 0}}, {spread({31, 37}, -1, 1)}),
          sample(op::Transpose{{}}, {spread({}, -1, 1)}),
          sample(op::Transpose{{0, 3, 2, 1}}, {spread({2, 3, 5, 7}, -1, 1)}),
          sample(op::Transpose{{1, 0}}, {spread({0, 5}, -1, 1)}),
          sample(op::Transpose{{1, 0}}, {spread_integers({3, 5}, -9, 9, DType::int32)})};
}
std::vector<Sample> broadcast_to_samples() {
  return {sample(op::BroadcastTo{{2, 3, 5}}, {spread({3, 1}, -1, 1)}),
          sample(op::BroadcastTo{{7, 11}}, {spread({}, -1, 1)}),
          sample(op::BroadcastTo{{3, 5}}, {spread({3, 5}, -1, 1)}),
          sample(op::BroadcastTo{{0, 5}}, {spread({1, 5}, -1, 1)}),
          sample(op::BroadcastTo{{3, 5}}, {spread_booleans({5})})};
}

Shape without(const Shape& shape, const Shape& axes) {
  Shape result = shape;
  for (int i = axes.rank() - 1; i >= 0; --i) result.erase(static_cast<int>(axes[i]));
  return result;
}

}  // namespace

void define_layout() {
  define_primitive<op::Reshape>(
      {.shape = reshape_shape, .grad = reshape_grad, .view = reshape_view, .samples = reshape_samples});
  define_primitive<op::Transpose>(
      {.shape = transpose_shape, .grad = transpose_grad, .view = transpose_view, .samples = transpose_samples});
  define_primitive<op::BroadcastTo>({.shape = broadcast_to_shape,
                                     .grad = broadcast_to_grad,
                                     .view = broadcast_to_view,
                                     .samples = broadcast_to_samples});
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (shape == x.shape()) return x;
  Shape exact = shape;
  int open = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < -1 || (shape[i] == -1 && open >= 0))
      throw ShapeError("reshape: expected extents of 0 or more and at most one -1, got " + to_string(shape));
    if (shape[i] == -1) open = i;
  }
  if (open >= 0) {
    exact[open] = 1;
    const int64_t known = exact.elements();
    if (known == 0 || x.elements() % known != 0)
      throw ShapeError("reshape: expected a shape for " + std::to_string(x.elements()) + " elements of " +
                       to_string(x.shape()) + ", got " + to_string(shape));
    exact[open] = x.elements() / known;
  }
  return exact == x.shape() ? x : apply(op::Reshape{exact}, {x});
}

Tensor ravel(const Tensor& x) { return reshape(x, {x.elements()}); }

Tensor flatten(const Tensor& x, int first, int last) {
  if (x.rank() == 0) return ravel(x);
  first = normalize_axis(first, x.shape(), "flatten");
  last = normalize_axis(last, x.shape(), "flatten");
  if (first > last)
    throw ShapeError("flatten: expected the first axis before the last, got " + std::to_string(first) + " and " +
                     std::to_string(last));
  Shape shape = x.shape().slice(0, first);
  shape.push_back(x.shape().slice(first, last + 1).elements());
  for (int i = last + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return reshape(x, shape);
}

Tensor transpose(const Tensor& x) {
  Shape axes;
  for (int i = x.rank() - 1; i >= 0; --i) axes.push_back(i);
  return transpose(x, axes);
}

Tensor transpose(const Tensor& x, const Shape& axes) {
  op::Transpose op;
  bool identity = axes.rank() == x.rank();
  for (int i = 0; i < axes.rank(); ++i) {
    op.axes.push_back(axes[i] < 0 ? axes[i] + x.rank() : axes[i]);
    identity = identity && op.axes[i] == i;
  }
  return identity ? x : apply(op, {x});
}

Tensor swapaxes(const Tensor& x, int a, int b) {
  a = normalize_axis(a, x.shape(), "swapaxes");
  b = normalize_axis(b, x.shape(), "swapaxes");
  Shape axes;
  for (int i = 0; i < x.rank(); ++i) axes.push_back(i == a ? b : i == b ? a : i);
  return transpose(x, axes);
}

Tensor moveaxis(const Tensor& x, int from, int to) { return moveaxis(x, Shape{from}, Shape{to}); }

Tensor moveaxis(const Tensor& x, const Shape& from, const Shape& to) {
  if (from.rank() != to.rank())
    throw ShapeError("moveaxis: expected as many places as axes, got " + to_string(from) + " and " + to_string(to));
  Shape axes = Shape::filled(x.rank(), -1), left = Shape::filled(x.rank(), 1);
  for (int i = 0; i < from.rank(); ++i) {
    int source = normalize_axis(static_cast<int>(from[i]), x.shape(), "moveaxis");
    int target = normalize_axis(static_cast<int>(to[i]), x.shape(), "moveaxis");
    if (axes[target] >= 0 || left[source] == 0)
      throw ShapeError("moveaxis: expected distinct axes, got " + to_string(from) + " and " + to_string(to));
    axes[target] = source;
    left[source] = 0;
  }
  int next = 0;
  for (int i = 0; i < x.rank(); ++i) {
    if (axes[i] >= 0) continue;
    while (left[next] == 0) ++next;
    axes[i] = next++;
  }
  return transpose(x, axes);
}

Tensor expand_dims(const Tensor& x, int axis) { return expand_dims(x, Shape{axis}); }

Tensor expand_dims(const Tensor& x, const Shape& axes) {
  if (axes.rank() == 0) return x;
  Shape places = normalize_axes(axes, Shape::filled(x.rank() + axes.rank(), 1), "expand_dims");
  Shape shape = x.shape();
  for (int64_t place : places) shape.insert(static_cast<int>(place), 1);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x) {
  Shape shape;
  for (int64_t extent : x.shape())
    if (extent != 1) shape.push_back(extent);
  return reshape(x, shape);
}
Tensor squeeze(const Tensor& x, int axis) { return squeeze(x, Shape{axis}); }

Tensor squeeze(const Tensor& x, const Shape& axes) {
  if (axes.rank() == 0) return x;
  Shape places = normalize_axes(axes, x.shape(), "squeeze");
  for (int64_t place : places)
    if (x.shape()[static_cast<int>(place)] != 1)
      throw ShapeError("squeeze: expected extent 1 at axis " + std::to_string(place) + ", got " + to_string(x.shape()));
  return reshape(x, without(x.shape(), places));
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return shape == x.shape() ? x : apply(op::BroadcastTo{shape}, {x});
}

}  // namespace weft
