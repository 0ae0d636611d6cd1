#pragma once

#include <weft/core/tensor.hpp>

namespace weft::cuda {

/// n values for the kernels that are launched while it lives; the allocator hands the memory out again in the stream's
/// order.
template <class T> class Workspace {
 public:
  Workspace(Device device, int64_t n)
      : memory_(Tensor::empty({(n * static_cast<int64_t>(sizeof(T)) + 15) / 16 * 2}, DType::int64, device)) {}
  T* data() { return reinterpret_cast<T*>(memory_.mutable_raw_as<int64_t>()); }

 private:
  Tensor memory_;
};

}  // namespace weft::cuda
