#include <weft/autograd/ops/samples.hpp>

#include <cmath>

namespace weft {
namespace {

constexpr double golden_ratio = 0.61803398874989484820, start = 0.2360679, salt_step = 0.3819417;

double weyl(int64_t i, int salt) {
  double position = start + golden_ratio * static_cast<double>(i) + salt_step * salt;
  return position - std::floor(position);
}

template <class T, class F> Tensor filled(const Shape& shape, F&& value) {
  Tensor tensor = Tensor::empty(shape, dtype_of<T>, Device());
  T* elements = tensor.mutable_data<T>();
  for (int64_t i = 0; i < tensor.elements(); ++i) elements[i] = static_cast<T>(value(i));
  return tensor;
}

}  // namespace

Tensor spread(const Shape& shape, double low, double high, int salt) {
  return filled<double>(shape, [&](int64_t i) { return low + (high - low) * weyl(i, salt); });
}

Tensor spread_integers(const Shape& shape, int64_t low, int64_t high, DType dtype, int salt) {
  auto value = [&](int64_t i) {
    return static_cast<double>(low) + std::floor(static_cast<double>(high - low) * weyl(i, salt));
  };
  return dtype == DType::int32 ? filled<int32_t>(shape, value) : filled<int64_t>(shape, value);
}

Tensor spread_booleans(const Shape& shape, int salt) {
  return filled<bool>(shape, [&](int64_t i) { return weyl(i, salt) < 0.5; });
}

}  // namespace weft
