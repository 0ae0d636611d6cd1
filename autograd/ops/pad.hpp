#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// Attributes: elements put before, after and between the neighbours of each axis; none negative.
struct Pad {
  static constexpr std::string_view name = "pad";
  Shape low, high, interior;
  double value = 0;
  bool operator==(const Pad&) const = default;
};
}  // namespace op

/// NumPy's modes: reflect mirrors without the edge element, symmetric with it, wrap goes round.
enum class PadMode { constant, edge, reflect, symmetric, wrap };

/// Elements to put before and after one axis.
using PadWidth = std::pair<int64_t, int64_t>;

/// `x` with widths[axis] elements more at the ends of each axis. Throws ShapeError when there is not one width for each
/// axis, ValueError for negative widths or a mode other than constant on an empty axis.
Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, double value = 0);
Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, PadMode mode, double value = 0);
/// The same with `interior[axis]` values between neighbours.
Tensor pad_interior(const Tensor& x, const Shape& low, const Shape& high, const Shape& interior, double value = 0);

}  // namespace weft
