#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
struct OneHot {
  static constexpr std::string_view name = "one_hot";
  int64_t classes = 0;
  int axis = 0;  ///< of the result, from the front
  DType dtype = DType::float32;
  bool operator==(const OneHot&) const = default;
};
}  // namespace op

/// 1 at class `indices[...]` along a new axis (the last unless told otherwise), 0 elsewhere: [..., classes]. An index
/// outside [0, classes) gives zeros. Throws DTypeError when the indices are no integers, ValueError for classes < 0.
Tensor one_hot(const Tensor& indices, int64_t classes, DType dtype = DType::float32, int axis = -1);

}  // namespace weft
