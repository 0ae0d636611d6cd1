#pragma once

#include <initializer_list>

#include <weft/core/shape.hpp>

namespace weft {

/// Axes that an op works over, negative ones counting from the end: `-1`, `{0, 2}`; `{}` means all.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : list_{axis} {}
  Axes(std::initializer_list<int64_t> axes) : list_(axes) {}
  Axes(const Shape& axes) : list_(axes) {}

  bool all() const { return list_.rank() == 0; }
  const Shape& list() const { return list_; }
  /// Sorted, counted from the front and, for `{}`, spelled out; throws ShapeError for an axis out of range or named
  /// twice.
  Shape of(const Shape& shape, const char* op) const { return normalize_axes(list_, shape, op); }

 private:
  Shape list_;
};

}  // namespace weft
