#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/einsum.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/core/error.hpp>

// The products of einsum.hpp that need no subscripts.

namespace weft {
namespace {

/// The axes of x that are not among `axes`, in order.
Shape other_axes(const Tensor& x, const Shape& axes) {
  Shape others;
  for (int axis = 0; axis < x.rank(); ++axis) {
    bool named = false;
    for (int64_t one : axes) named = named || one == axis;
    if (!named) others.push_back(axis);
  }
  return others;
}

Shape extents(const Tensor& x, const Shape& axes) {
  Shape result;
  for (int64_t axis : axes) result.push_back(x.shape()[static_cast<int>(axis)]);
  return result;
}

Shape appended(Shape shape, const Shape& more) {
  for (int64_t extent : more) shape.push_back(extent);
  return shape;
}

}  // namespace

Tensor tensordot(const Tensor& a, const Tensor& b, int axes) {
  if (axes < 0 || axes > a.rank() || axes > b.rank())
    throw ShapeError("tensordot: expected at least " + std::to_string(axes) + " axes each, got " +
                     to_string(a.shape()) + " and " + to_string(b.shape()));
  Shape axes_a, axes_b;
  for (int i = 0; i < axes; ++i) {
    axes_a.push_back(a.rank() - axes + i);
    axes_b.push_back(i);
  }
  return tensordot(a, b, axes_a, axes_b);
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Shape& axes_a, const Shape& axes_b) {
  Shape from_a, from_b;
  for (int64_t axis : axes_a) from_a.push_back(normalize_axis(static_cast<int>(axis), a.shape(), "tensordot"));
  for (int64_t axis : axes_b) from_b.push_back(normalize_axis(static_cast<int>(axis), b.shape(), "tensordot"));
  if (!(extents(a, from_a) == extents(b, from_b)))
    throw ShapeError("tensordot: expected equal sizes along axes " + to_string(axes_a) + " and " + to_string(axes_b) +
                     ", got shapes " + to_string(a.shape()) + " and " + to_string(b.shape()));
  const Shape rows = other_axes(a, from_a), columns = other_axes(b, from_b);
  const Shape row_extents = extents(a, rows), column_extents = extents(b, columns);
  const int64_t depth = extents(a, from_a).elements();
  Tensor left = reshape(transpose(a, appended(rows, from_a)), {row_extents.elements(), depth});
  Tensor right = reshape(transpose(b, appended(from_b, columns)), {depth, column_extents.elements()});
  return reshape(matmul(left, right), appended(row_extents, column_extents));
}

Tensor outer(const Tensor& a, const Tensor& b) {
  return multiply(reshape(a, {a.elements(), 1}), reshape(b, {1, b.elements()}));
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.rank() == 0 || b.rank() == 0) return multiply(a, b);
  return tensordot(a, b, Shape{-1}, Shape{-1});
}

Tensor dot(const Tensor& a, const Tensor& b) {
  if (a.rank() == 0 || b.rank() == 0) return multiply(a, b);
  return tensordot(a, b, Shape{-1}, Shape{b.rank() == 1 ? -1 : -2});
}

Tensor vdot(const Tensor& a, const Tensor& b) {
  if (a.elements() != b.elements())
    throw ShapeError("vdot: expected as many elements each, got " + to_string(a.shape()) + " and " +
                     to_string(b.shape()));
  return matmul(ravel(a), ravel(b));
}

Tensor kron(const Tensor& a, const Tensor& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape spread_a, spread_b, result;
  for (int axis = 0; axis < rank; ++axis) {
    const int in_a = axis - (rank - a.rank()), in_b = axis - (rank - b.rank());
    const int64_t extent_a = in_a < 0 ? 1 : a.shape()[in_a], extent_b = in_b < 0 ? 1 : b.shape()[in_b];
    spread_a.push_back(extent_a);
    spread_a.push_back(1);
    spread_b.push_back(1);
    spread_b.push_back(extent_b);
    result.push_back(extent_a * extent_b);
  }
  return reshape(multiply(reshape(a, spread_a), reshape(b, spread_b)), result);
}

}  // namespace weft
