#include <weft/autograd/ops/repeat.hpp>

#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void check_count(const char* op, int64_t count) {
  if (count < 0)
    throw ValueError(std::string(op) + ": expected repetitions of 0 or more, got " + std::to_string(count));
}

/// The axis [extent] seen as [outer, 1, inner], the middle broadcast to `count`, and the axis made [extent * count].
Tensor repeat_between(const Tensor& x, int axis, int64_t outer, int64_t inner, int64_t count) {
  Shape shape = x.shape();
  shape[axis] = Shape{shape[axis], count}.elements();
  return reshape(broadcast_to(reshape(x, {outer, 1, inner}), {outer, count, inner}), shape);
}

}  // namespace

Tensor tile(const Tensor& x, const Shape& repetitions) {
  Shape shape = x.shape();
  while (shape.rank() < repetitions.rank()) shape.insert(0, 1);
  Tensor result = reshape(x, shape);
  int shift = shape.rank() - repetitions.rank();
  for (int i = repetitions.rank() - 1; i >= 0; --i) {
    int axis = i + shift;
    check_count("tile", repetitions[i]);
    if (repetitions[i] == 1) continue;
    const Shape& now = result.shape();
    result = repeat_between(result, axis, now.slice(0, axis).elements(), now.slice(axis, now.rank()).elements(),
                            repetitions[i]);
  }
  return result;
}

Tensor repeat(const Tensor& x, int64_t count, int axis) {
  axis = normalize_axis(axis, x.shape(), "repeat");
  check_count("repeat", count);
  return repeat_between(x, axis, x.shape().slice(0, axis + 1).elements(),
                        x.shape().slice(axis + 1, x.rank()).elements(), count);
}

Tensor repeat(const Tensor& x, const std::vector<int64_t>& counts, int axis) {
  axis = normalize_axis(axis, x.shape(), "repeat");
  if (static_cast<int64_t>(counts.size()) != x.shape()[axis])
    throw ShapeError("repeat: expected a count for each of the " + std::to_string(x.shape()[axis]) +
                     " elements of axis " + std::to_string(axis) + ", got " + std::to_string(counts.size()));
  std::vector<int64_t> places;
  for (size_t i = 0; i < counts.size(); ++i) {
    check_count("repeat", counts[i]);
    places.insert(places.end(), static_cast<size_t>(counts[i]), static_cast<int64_t>(i));
  }
  return take(x, Tensor::from(places, {static_cast<int64_t>(places.size())}, x.device()), axis);
}

Tensor flip(const Tensor& x, int axis) { return flip(x, Shape{axis}); }

Tensor flip(const Tensor& x, const Shape& axes) {
  Shape starts = Shape::filled(x.rank(), 0), steps = Shape::filled(x.rank(), 1);
  for (int64_t entry : normalize_axes(axes, x.shape(), "flip")) {
    int axis = static_cast<int>(entry);
    if (x.shape()[axis] < 2) continue;
    starts[axis] = x.shape()[axis] - 1;
    steps[axis] = -1;
  }
  return steps == Shape::filled(x.rank(), 1) ? x : apply(op::Slice{starts, x.shape(), steps}, {x});
}

Tensor roll(const Tensor& x, int64_t shift) { return reshape(roll(ravel(x), shift, 0), x.shape()); }

Tensor roll(const Tensor& x, int64_t shift, int axis) {
  axis = normalize_axis(axis, x.shape(), "roll");
  int64_t extent = x.shape()[axis];
  if (extent == 0) return x;
  int64_t moved = (shift % extent + extent) % extent;
  if (moved == 0) return x;
  return concatenate({slice_axis(x, axis, extent - moved, extent), slice_axis(x, axis, 0, extent - moved)}, axis);
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& axes) {
  if (shifts.rank() != axes.rank())
    throw ShapeError("roll: expected as many shifts as axes, got " + to_string(shifts) + " and " + to_string(axes));
  Tensor result = x;
  for (int i = 0; i < axes.rank(); ++i) result = roll(result, shifts[i], static_cast<int>(axes[i]));
  return result;
}

}  // namespace weft
