#pragma once

#include <cstdint>
#include <string>

#include <weft/core/tensor.hpp>

namespace weft {

/// Which indices an op takes along an axis.
struct IndexRange {
  std::string op;
  int64_t extent = 0;
  bool negative = true;  ///< those from the end, -extent to -1, too

  int64_t lowest() const { return negative ? -extent : 0; }
  /// Throws IndexError for the first of `indices` (int32 or int64, host memory) that is out of range.
  void check(const Tensor& indices) const;
};

}  // namespace weft
