#include <weft/autograd/ops/window.hpp>

#include <algorithm>
#include <string>

#include <weft/core/error.hpp>

namespace weft {

PaddingAmounts padding_amounts(const Padding& padding, const Shape& space, const Shape& window, const Shape& strides,
                               const Shape& dilation, const char* op) {
  const int rank = space.rank();
  if (padding.rule == PaddingRule::causal && rank != 1)
    throw ValueError(std::string(op) + ": expected one space axis for causal padding, got " + std::to_string(rank));
  const auto count = static_cast<int>(padding.pairs.size());
  if (padding.rule == PaddingRule::exact && count != 1 && count != rank)
    throw ValueError(std::string(op) + ": expected padding for " + std::to_string(rank) + " space axes, got " +
                     std::to_string(count) + " pairs");
  PaddingAmounts amounts{Shape::filled(rank, 0), Shape::filled(rank, 0)};
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t reach = (window[axis] - 1) * dilation[axis];
    int64_t &low = amounts.low[axis], &high = amounts.high[axis];
    switch (padding.rule) {
      case PaddingRule::valid: break;
      case PaddingRule::same: {
        const int64_t results = (space[axis] + strides[axis] - 1) / strides[axis];
        const int64_t total = std::max<int64_t>((results - 1) * strides[axis] + reach + 1 - space[axis], 0);
        low = total / 2;
        high = total - low;
        break;
      }
      case PaddingRule::causal: low = reach; break;
      case PaddingRule::circular:
      case PaddingRule::reflect:
        low = reach / 2;
        high = (reach + 1) / 2;
        break;
      case PaddingRule::exact: {
        const auto& pair = padding.pairs[count == 1 ? 0 : static_cast<size_t>(axis)];
        low = pair.first;
        high = pair.second;
        break;
      }
    }
  }
  return amounts;
}

Shape per_space_axis(const Shape& values, int rank, int64_t filled, const char* op, const char* what) {
  if (values.rank() != 0 && values.rank() != 1 && values.rank() != rank)
    throw ValueError(std::string(op) + ": expected " + what + " for " + std::to_string(rank) + " space axes, got " +
                     to_string(values));
  if (std::any_of(values.begin(), values.end(), [](int64_t value) { return value < 1; }))
    throw ValueError(std::string(op) + ": expected " + what + " of at least 1, got " + to_string(values));
  if (values.rank() == rank) return values;
  return Shape::filled(rank, values.rank() == 0 ? filled : values[0]);
}

}  // namespace weft
