#pragma once

#include <string_view>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
struct Concatenate {
  static constexpr std::string_view name = "concatenate";
  int axis = 0;  ///< from the front
  bool operator==(const Concatenate&) const = default;
};
}  // namespace op

/// The tensors one after another along an axis that they have; dtypes are promoted. Throws ShapeError when the other
/// extents differ, ValueError for an empty list.
Tensor concatenate(const std::vector<Tensor>& tensors, int axis = 0);
/// Tensors of one shape along a new axis at that place of the result.
Tensor stack(const std::vector<Tensor>& tensors, int axis = 0);

/// Views of equal parts along an axis. Throws ShapeError when the extent is not a multiple of `sections`.
std::vector<Tensor> split(const Tensor& x, int64_t sections, int axis = 0);
/// Views that begin and end at the given places, as numpy.split: `{2, 3}` gives [0, 2), [2, 3), [3, end).
std::vector<Tensor> split_at(const Tensor& x, const std::vector<int64_t>& places, int axis = 0);

}  // namespace weft
