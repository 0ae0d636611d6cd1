#pragma once

#include <limits>
#include <string_view>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

/// What happens to an index outside its axis. Except with `clip` and `wrap`, negative ones in range count from the end.
enum class OutOfRange : uint8_t {
  error,  ///< IndexError naming op, index and extent; checked where the indices are in host memory
  fill,   ///< reads a fill value; a write is dropped
  clip,   ///< the nearest index; every negative one becomes 0
  wrap    ///< modulo the extent
};

/// The place that an index means on an axis of `extent` elements, or -1 for none.
constexpr int64_t resolve_index(int64_t index, int64_t extent, OutOfRange mode) {
  if (mode == OutOfRange::clip) return index < 0 ? 0 : index >= extent ? extent - 1 : index;
  if (mode == OutOfRange::wrap) return extent == 0 ? -1 : (index % extent + extent) % extent;
  if (index < 0) index += extent;
  return index >= 0 && index < extent ? index : -1;
}

namespace op {
/// Attributes. Inputs x and indices (int32 or int64, any shape).
struct Take {
  static constexpr std::string_view name = "take";
  int axis = 0;
  OutOfRange mode = OutOfRange::error;
  double fill_value = 0;
  bool operator==(const Take&) const = default;
};
/// Inputs x and indices, of equal shapes but for the axis.
struct TakeAlongAxis {
  static constexpr std::string_view name = "take_along_axis";
  int axis = 0;
  bool operator==(const TakeAlongAxis&) const = default;
};
}  // namespace op

/// `x[..., indices, ...]` at `axis`: [before..., indices' shape..., after...]. Throws IndexError (see OutOfRange),
/// DTypeError when the indices are no integers.
Tensor take(const Tensor& x, const Tensor& indices, int axis, OutOfRange mode = OutOfRange::error,
            double fill_value = std::numeric_limits<double>::quiet_NaN());
/// The same from `x` in row-major order; shape of the indices.
Tensor take(const Tensor& x, const Tensor& indices);

/// Element `indices[i, j, ...]` along the axis, at the place (i, j, ...) along the others; `indices` has the rank of
/// `x` and broadcasts against it on the other axes. Shape of the (broadcast) indices. Throws ShapeError, IndexError.
Tensor take_along_axis(const Tensor& x, const Tensor& indices, int axis);

/// `x[:, ..., i, j, ...]` with `leading` whole axes first, and the index tensors broadcast against each other:
/// [leading axes..., indices' shape..., remaining axes...]. Throws ShapeError, IndexError.
Tensor gather(const Tensor& x, const std::vector<Tensor>& indices, int leading = 0);
/// The last axis of `indices` [..., k] indexes the first k axes of `x`: [..., remaining axes...].
Tensor gather_nd(const Tensor& x, const Tensor& indices);

/// Rows of a table [entries, features] at integer ids [...]: [..., features]. Throws IndexError, ShapeError.
Tensor embedding(const Tensor& table, const Tensor& ids);

/// The indices, of which each is in [-extent, extent), or in [0, extent) without `negative`. Throws IndexError
/// `op: index 7 out of range for an axis of 5` for the first that is not; DTypeError when they are no integers. Indices
/// outside host memory are not looked at. While jit traces, its plan is told to look at those that are arguments or
/// state before each run, and those that are computed on the way are clipped.
Tensor check_indices(const char* op, const Tensor& indices, int64_t extent, bool negative = true);

/// Several index tensors for `extents` (the axes that they index) as one for those axes made one; checks them.
Tensor flat_indices(const char* op, const std::vector<Tensor>& indices, const Shape& extents);

}  // namespace weft
