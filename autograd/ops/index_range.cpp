#include <weft/autograd/ops/index_range.hpp>

#include <weft/core/error.hpp>

namespace weft {

void IndexRange::check(const Tensor& indices) const {
  const Tensor dense = indices.contiguous();
  auto look = [&]<class T>(const T* values) {
    bool outside = false;
    for (int64_t i = 0; i < dense.elements(); ++i) outside |= values[i] < lowest() || values[i] >= extent;
    for (int64_t i = 0; outside && i < dense.elements(); ++i)
      if (values[i] < lowest() || values[i] >= extent)
        throw IndexError(op + ": index " + std::to_string(values[i]) + " out of range for an axis of " +
                         std::to_string(extent));
  };
  if (indices.dtype() == DType::int32) look(dense.raw_as<int32_t>());
  else look(dense.raw_as<int64_t>());
}

}  // namespace weft
