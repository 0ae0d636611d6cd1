#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

struct NewAxis {};
struct Ellipsis {};
/// An axis of extent 1 at this place of the result.
constexpr NewAxis newaxis{};
/// As many whole axes as are needed.
constexpr Ellipsis ellipsis{};

/// One item between the brackets of `x[{0, slice(1, 4), ellipsis, newaxis, -1}]`.
struct Index {
  enum class Kind : uint8_t { integer, slice, newaxis, ellipsis };

  template <std::integral T> Index(T position) : kind(Kind::integer), start(static_cast<int64_t>(position)) {}
  Index(NewAxis) : kind(Kind::newaxis) {}
  Index(Ellipsis) : kind(Kind::ellipsis) {}
  Index(std::optional<int64_t> first, std::optional<int64_t> end, int64_t by)
      : kind(Kind::slice), start(first), stop(end), step(by) {}

  Kind kind;
  std::optional<int64_t> start, stop;
  int64_t step = 1;
};

/// Python's `start:stop:step`: ends left out (`{}`) mean the whole, negative ones count from the end, ends beyond the
/// axis are cut to it, and a negative step walks backwards. `slice()` is `:`, `slice({}, {}, -1)` reverses.
inline Index slice(std::optional<int64_t> start = {}, std::optional<int64_t> stop = {}, int64_t step = 1) {
  return Index(start, stop, step);
}

namespace op {
/// Attributes: element i along an axis of the result is element `starts + i * steps` of the input, i < counts.
struct Slice {
  static constexpr std::string_view name = "slice";
  Shape starts, counts, steps;
  bool operator==(const Slice&) const = default;
};
/// Inputs x and the updates, which go where Slice reads.
struct SliceUpdate {
  static constexpr std::string_view name = "slice_update";
  Shape starts, counts, steps;
  bool operator==(const SliceUpdate&) const = default;
};
}  // namespace op

/// A view of a part of `x`, with gradient; Tensor::operator[] calls it. Integers take their axis away; axes without an
/// item are whole. Throws IndexError for an integer outside its axis or more items than axes, ValueError for a step of
/// 0 or two ellipses.
Tensor index(const Tensor& x, const std::vector<Index>& items);

/// A copy of `x` with `updates` (broadcast to the part's shape) put in, or added, at `x[items]`. Differentiable, unlike
/// `x[{...}] = updates`. Throws what index() does, and ShapeError.
Tensor slice_update(const Tensor& x, const Tensor& updates, const std::vector<Index>& items);
Tensor slice_add(const Tensor& x, const Tensor& updates, const std::vector<Index>& items);

/// Elements [start, stop) of one axis, as Python slices it; a view.
Tensor slice_axis(const Tensor& x, int axis, int64_t start, int64_t stop);

}  // namespace weft
