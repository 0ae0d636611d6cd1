#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// Attributes of the view primitives behind this page.
struct Reshape {
  static constexpr std::string_view name = "reshape";
  Shape shape;  ///< without -1
  bool operator==(const Reshape&) const = default;
};
struct Transpose {
  static constexpr std::string_view name = "transpose";
  Shape axes;  ///< axis i of the result is axis axes[i] of the input
  bool operator==(const Transpose&) const = default;
};
struct BroadcastTo {
  static constexpr std::string_view name = "broadcast_to";
  Shape shape;
  bool operator==(const BroadcastTo&) const = default;
};
}  // namespace op

/// The same elements in row-major order under another shape; one extent may be -1 and is worked out. A view where the
/// strides allow one, else a copy. Throws ShapeError when the numbers of elements differ.
Tensor reshape(const Tensor& x, const Shape& shape);
/// One axis [elements].
Tensor ravel(const Tensor& x);
/// Axes first..last (inclusive, negative ones from the end) made into one.
Tensor flatten(const Tensor& x, int first = 0, int last = -1);

/// A view with the axes reversed.
Tensor transpose(const Tensor& x);
/// A view whose axis i is axis `axes[i]` of `x`. Throws ShapeError when `axes` is not a permutation.
Tensor transpose(const Tensor& x, const Shape& axes);
Tensor swapaxes(const Tensor& x, int a, int b);
/// Axis `from` put at place `to`, the others in their old order.
Tensor moveaxis(const Tensor& x, int from, int to);
/// Axes `from[i]` put at places `to[i]`.
Tensor moveaxis(const Tensor& x, const Shape& from, const Shape& to);

/// A view with axes of extent 1 at these places of the result. Throws ShapeError.
Tensor expand_dims(const Tensor& x, int axis);
Tensor expand_dims(const Tensor& x, const Shape& axes);
/// A view without the axes of extent 1, or without those named; throws ShapeError when one of them is longer.
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int axis);
Tensor squeeze(const Tensor& x, const Shape& axes);

/// A view of `shape` in which axes of extent 1 and missing leading ones repeat (stride 0). Throws ShapeError.
Tensor broadcast_to(const Tensor& x, const Shape& shape);

}  // namespace weft
