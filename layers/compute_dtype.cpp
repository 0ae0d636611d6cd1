#include <weft/layers/compute_dtype.hpp>

#include <weft/autograd/ops/cast.hpp>
#include <weft/core/error.hpp>

namespace weft {

DType compute_dtype(const std::optional<DType>& wanted, std::initializer_list<Tensor> tensors) {
  if (wanted) return *wanted;
  std::optional<DType> common;
  for (const Tensor& tensor : tensors)
    if (tensor.defined()) common = common ? promote(*common, tensor.dtype()) : tensor.dtype();
  return at_least_float(common.value_or(DType::float32));
}

Tensor in_dtype(const Tensor& x, DType dtype) { return x.defined() ? cast(x, dtype) : x; }

void check_features(const Tensor& x, int64_t features) {
  if (x.rank() < 1 || x.shape().back() != features)
    throw ShapeError("expected inputs with " + std::to_string(features) + " features, got " + to_string(x.shape()));
}

void check_has_features(const Tensor& x) {
  if (x.rank() < 1) throw ShapeError("expected inputs [batch..., features], got a scalar");
}

void check_size(const char* what, int64_t size) {
  if (size < 1) throw ValueError(std::string(what) + ": expected 1 or more, got " + std::to_string(size));
}

}  // namespace weft
