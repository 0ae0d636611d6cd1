#include <weft/core/shape.hpp>

#include <algorithm>

#include <weft/core/error.hpp>

namespace weft {

Shape::Shape(std::span<const int64_t> extents) {
  if (extents.size() > max_rank)
    throw ShapeError("shape: expected at most 8 axes, got " + std::to_string(extents.size()));
  std::copy(extents.begin(), extents.end(), extents_.begin());
  rank_ = static_cast<int>(extents.size());
}

Shape Shape::filled(int rank, int64_t value) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(value);
  return shape;
}

int64_t Shape::at(int axis) const { return (*this)[normalize_axis(axis, *this, "shape")]; }

void Shape::push_back(int64_t extent) { insert(rank_, extent); }

void Shape::insert(int axis, int64_t extent) {
  if (rank_ == max_rank)
    throw ShapeError("shape: expected at most 8 axes, got 9 (" + to_string(*this) + " and one more)");
  for (int i = rank_; i > axis; --i) (*this)[i] = (*this)[i - 1];
  (*this)[axis] = extent;
  ++rank_;
}

void Shape::erase(int axis) {
  for (int i = axis; i + 1 < rank_; ++i) (*this)[i] = (*this)[i + 1];
  --rank_;
  extents_[static_cast<size_t>(rank_)] = 0;
}

Shape Shape::slice(int first, int last) const {
  return Shape(std::span<const int64_t>(begin() + first, begin() + std::max(first, last)));
}

int64_t Shape::elements() const {
  int64_t product = 1;
  bool empty = false, overflow = false;
  for (int64_t extent : *this) {
    empty = empty || extent == 0;
    overflow = overflow || __builtin_mul_overflow(product, extent, &product);
  }
  if (empty) return 0;
  if (overflow) throw ShapeError("shape: " + to_string(*this) + " has more elements than 63 bits can count");
  return product;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Strides row_major_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    // May wrap around for shapes without elements, whose strides are never followed.
    step = static_cast<int64_t>(static_cast<uint64_t>(step) * static_cast<uint64_t>(std::max<int64_t>(shape[i], 1)));
  }
  return strides;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  int shift = longer.rank() - shorter.rank();
  for (int i = 0; i < shorter.rank(); ++i) {
    int64_t x = longer[i + shift], y = shorter[i];
    if (x != y && x != 1 && y != 1)
      throw ShapeError(std::string(op) + ": expected shapes that broadcast, got " + to_string(a) + " and " +
                       to_string(b));
    result[i + shift] = x == 1 ? y : x;
  }
  return result;
}

int normalize_axis(int axis, const Shape& shape, const char* op) {
  int rank = shape.rank();
  if (axis < -rank || axis >= rank)
    throw ShapeError(std::string(op) + ": axis " + std::to_string(axis) + " out of range for shape " +
                     to_string(shape));
  return axis < 0 ? axis + rank : axis;
}

Shape normalize_axes(const Shape& axes, const Shape& shape, const char* op) {
  Shape result;
  if (axes.rank() == 0)
    for (int i = 0; i < shape.rank(); ++i) result.push_back(i);
  else
    for (int64_t axis : axes) result.push_back(normalize_axis(static_cast<int>(axis), shape, op));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    throw ShapeError(std::string(op) + ": axes " + to_string(axes) + " name an axis of " + to_string(shape) + " twice");
  return result;
}

}  // namespace weft
