#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace weft {

/// Up to eight 64-bit extents (or strides, or axes) held inline.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : Shape(std::span<const int64_t>(extents.begin(), extents.size())) {}
  /// Throws ShapeError when there are more than max_rank extents.
  explicit Shape(std::span<const int64_t> extents);
  /// `rank` extents of `value`.
  static Shape filled(int rank, int64_t value);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return extents_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return extents_[static_cast<size_t>(axis)]; }
  /// The extent of `axis`, negative axes counting from the end; throws ShapeError when out of range.
  int64_t at(int axis) const;
  int64_t back() const { return (*this)[rank_ - 1]; }

  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }
  int64_t* begin() { return extents_.data(); }
  int64_t* end() { return extents_.data() + rank_; }

  /// Throws ShapeError past max_rank.
  void push_back(int64_t extent);
  void insert(int axis, int64_t extent);
  void erase(int axis);
  /// The extents of axes [first, last).
  Shape slice(int first, int last) const;

  /// Product of the extents; 1 for rank 0. Throws ShapeError when it does not fit into 63 bits.
  int64_t elements() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  std::array<int64_t, max_rank> extents_{};
  int rank_ = 0;
};

using Strides = Shape;

/// `[2, 3, 5]`.
std::string to_string(const Shape& shape);

/// Strides, in elements, of a row-major array.
Strides row_major_strides(const Shape& shape);

/// NumPy broadcasting of two shapes; throws ShapeError naming both, prefixed with `op`.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op = "broadcast");

/// `axis` counted from the front; throws ShapeError `op: axis 3 out of range for shape [2, 5]`.
int normalize_axis(int axis, const Shape& shape, const char* op);

/// Distinct axes counted from the front and sorted; an empty list means all axes.
Shape normalize_axes(const Shape& axes, const Shape& shape, const char* op);

}  // namespace weft
