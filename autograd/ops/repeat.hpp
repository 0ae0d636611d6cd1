#pragma once

#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

/// The whole of `x` repeated `repetitions[axis]` times along each axis; missing leading axes or repetitions count as 1.
Tensor tile(const Tensor& x, const Shape& repetitions);
/// Each element repeated in place: `[a, b]` twice is `[a, a, b, b]`.
Tensor repeat(const Tensor& x, int64_t count, int axis);
/// Element i repeated counts[i] times. Throws ShapeError when there is not one count for each element of the axis.
Tensor repeat(const Tensor& x, const std::vector<int64_t>& counts, int axis);

/// A view with one axis, some, or all (an empty list) reversed.
Tensor flip(const Tensor& x, int axis);
Tensor flip(const Tensor& x, const Shape& axes = {});

/// Elements moved on by `shift` places, those pushed out at one end coming in at the other; without an axis, in
/// row-major order.
Tensor roll(const Tensor& x, int64_t shift);
Tensor roll(const Tensor& x, int64_t shift, int axis);
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& axes);

}  // namespace weft
