#pragma once

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include <weft/core/shape.hpp>

namespace weft {

/// How a convolution or a pool treats the border of its space axes. With n the input's length, K = (window - 1) *
/// dilation
/// + 1 and s the stride: `valid` pads nothing; `same` gives ceil(n / s) results, the odd element of padding last;
/// `causal` (one space axis) puts K - 1 zeros in front; `circular` continues x periodically and `reflect` mirrors it,
/// without repeating the border, (K - 1) / 2 in front and K / 2 behind; `exact` takes the numbers given.
enum class PaddingRule : uint8_t { valid, same, circular, reflect, causal, exact };

/// A padding rule, or exact numbers of elements in front of and behind each space axis.
struct Padding {
  Padding(PaddingRule padding_rule = PaddingRule::valid) : rule(padding_rule) {}
  /// As much on both sides of every axis.
  Padding(int on_every_side) : rule(PaddingRule::exact), pairs{{on_every_side, on_every_side}} {}
  /// {front, behind} for each space axis.
  Padding(std::vector<std::pair<int64_t, int64_t>> each_axis) : rule(PaddingRule::exact), pairs(std::move(each_axis)) {}
  Padding(std::initializer_list<std::pair<int64_t, int64_t>> each_axis) : rule(PaddingRule::exact), pairs(each_axis) {}

  PaddingRule rule;
  std::vector<std::pair<int64_t, int64_t>> pairs;  ///< with `exact`: one for each axis, or one for all
  bool operator==(const Padding&) const = default;
};

/// Numbers of zeros in front of and behind each space axis.
struct PaddingAmounts {
  Shape low, high;
};

/// The amounts for input lengths `space`, windows, strides and dilations of the same rank.
/// Throws ValueError when the rule does not fit.
PaddingAmounts padding_amounts(const Padding& padding, const Shape& space, const Shape& window, const Shape& strides,
                               const Shape& dilation, const char* op);

/// `values` for each of `rank` space axes: as given, all `filled` when empty, all the same when there is one. Throws
/// ValueError when their number fits neither or one is less than 1.
Shape per_space_axis(const Shape& values, int rank, int64_t filled, const char* op, const char* what);

/// How many windows fit: (padded - ((window - 1) * dilation + 1)) / stride + 1, and 0 where none does.
inline int64_t window_count(int64_t padded, int64_t window, int64_t dilation, int64_t stride) {
  int64_t rest = padded - ((window - 1) * dilation + 1);
  return rest < 0 ? 0 : rest / stride + 1;
}

}  // namespace weft
