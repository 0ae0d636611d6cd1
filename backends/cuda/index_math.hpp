#pragma once

#include <weft/backends/cuda/grid.hpp>
#include <weft/core/divided.hpp>
#include <weft/core/tensor.hpp>

namespace weft::cuda {

/// An int32 or int64 array.
struct Indices {
  const void* data;
  bool wide;

  WEFT_DEVICE int64_t operator[](int64_t i) const {
    return wide ? static_cast<const int64_t*>(data)[i] : static_cast<const int32_t*>(data)[i];
  }
};

inline Indices indices_of(const Tensor& tensor) { return {tensor.raw(), tensor.dtype() == DType::int64}; }

}  // namespace weft::cuda
