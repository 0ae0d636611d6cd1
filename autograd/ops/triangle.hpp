#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// Attributes: what lies on the other side of diagonal `k` becomes 0.
struct Triangle {
  static constexpr std::string_view name = "triangle";
  bool upper = false;
  int64_t k = 0;
  bool operator==(const Triangle&) const = default;
};
}  // namespace op

/// The lower (upper) triangle of [..., rows, columns], diagonal `k` included; positive `k` lies above the main
/// diagonal. Throws ShapeError for a rank below 2.
Tensor tril(const Tensor& x, int64_t k = 0);
Tensor triu(const Tensor& x, int64_t k = 0);

/// Diagonal `k` of the last two axes: [..., rows, columns] -> [..., length].
Tensor diagonal(const Tensor& x, int64_t k = 0);
/// A matrix [n + |k|, n + |k|] with the vector [n] on diagonal `k`; of a matrix, its diagonal. Throws ShapeError for
/// other ranks.
Tensor diag(const Tensor& x, int64_t k = 0);
/// Sum of diagonal `k` of the last two axes: [..., rows, columns] -> [...].
Tensor trace(const Tensor& x, int64_t k = 0);

}  // namespace weft
