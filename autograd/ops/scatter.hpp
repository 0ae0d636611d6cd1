#pragma once

#include <string_view>
#include <vector>

#include <weft/autograd/ops/gather.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

enum class ScatterKind : uint8_t { set, add };

namespace op {
/// Attributes. Inputs x, indices and updates of the shape that Take{axis} of x at these indices has.
struct Scatter {
  static constexpr std::string_view name = "scatter";
  int axis = 0;
  ScatterKind kind = ScatterKind::add;
  OutOfRange mode = OutOfRange::error;
  bool operator==(const Scatter&) const = default;
};
/// The same, but keeping the largest of what was there and what comes; NaN wins.
struct ScatterMax {
  static constexpr std::string_view name = "scatter_max";
  int axis = 0;
  OutOfRange mode = OutOfRange::error;
  bool operator==(const ScatterMax&) const = default;
};
/// Inputs x, indices and updates, the last two of one shape, which is that of x but for the axis.
struct ScatterAlongAxis {
  static constexpr std::string_view name = "scatter_along_axis";
  int axis = 0;
  ScatterKind kind = ScatterKind::add;
  bool operator==(const ScatterAlongAxis&) const = default;
};
}  // namespace op

/// `x` with `updates` [before..., indices' shape..., after...] added (put, maximised) in at the indices of `axis`.
/// Updates of one place go in one after another in index order, at any number of threads; of those set, the last stays.
/// Throws ShapeError, IndexError (with OutOfRange::fill, updates outside are dropped).
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis = 0,
                   OutOfRange mode = OutOfRange::error);
Tensor scatter_set(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis = 0,
                   OutOfRange mode = OutOfRange::error);
Tensor scatter_max(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis = 0,
                   OutOfRange mode = OutOfRange::error);
/// The same at `[i, j, ...]` for index tensors i, j, ... of the first axes, broadcast against each other.
Tensor scatter_add(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates);
Tensor scatter_set(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates);
Tensor scatter_max(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& updates);

/// `x` with updates added (put) in where take_along_axis would read.
Tensor add_along_axis(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis);
Tensor put_along_axis(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis);

/// Sum (maximum) of the rows of data [n, features...] that share a segment id [n]: [segments, features...]. Ids need
/// not be sorted. A segment without rows has the sum 0 and the maximum -infinity (integers: their lowest). Throws
/// IndexError for an id outside [0, segments).
Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, int64_t segments);
Tensor segment_max(const Tensor& data, const Tensor& segment_ids, int64_t segments);

}  // namespace weft
