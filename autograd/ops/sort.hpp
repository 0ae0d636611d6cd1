#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
struct Argsort {
  static constexpr std::string_view name = "argsort";
  int axis = 0;
  bool descending = false;
  bool operator==(const Argsort&) const = default;
};
/// Inputs: a sorted vector and values of the same dtype.
struct SearchSorted {
  static constexpr std::string_view name = "searchsorted";
  bool right = false;
  bool operator==(const SearchSorted&) const = default;
};
}  // namespace op

/// Sorted along an axis; equal elements keep their order, NaN comes last either way. The gradient goes to where each
/// element came from.
Tensor sort(const Tensor& x, int axis = -1, bool descending = false);
/// The int32 indices that sort.
Tensor argsort(const Tensor& x, int axis = -1, bool descending = false);

struct TopK {
  Tensor values, indices;
};
/// The k largest of the last axis, largest first, the first of equals first, and their int32 indices: [..., k]. Throws
/// ValueError unless 0 <= k <= extent.
TopK top_k(const Tensor& x, int64_t k);

/// The middle element along an axis, or the mean of the middle two. Throws ShapeError for an empty axis.
Tensor median(const Tensor& x, int axis, bool keepdims = false);
/// The same over all elements.
Tensor median(const Tensor& x);

/// For each value the first place (with `right`, the place after the last) in `sorted` [n], ascending, where it keeps
/// the order: int32, shape of the values. Dtypes are promoted. Throws ShapeError.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);

}  // namespace weft
