#include <weft/autograd/ops/operand.hpp>

#include <limits>

#include <weft/autograd/ops/cast.hpp>

namespace weft {

DType Operand::dtype() const {
  switch (kind_) {
    case Kind::tensor: return tensor_.dtype();
    case Kind::boolean: return DType::boolean;
    case Kind::floating: return DType::float32;
    case Kind::integer: break;
  }
  bool fits = integer_ >= std::numeric_limits<int32_t>::min() && integer_ <= std::numeric_limits<int32_t>::max();
  return fits ? DType::int32 : DType::int64;
}

DType Operand::common_dtype(const Operand& a, const Operand& b) {
  DType x = a.dtype(), y = b.dtype();
  if (a.is_number() == b.is_number()) return promote(x, y);
  DType strong = a.is_number() ? y : x, weak = a.is_number() ? x : y;
  if (is_floating(strong)) return strong;
  if (is_floating(weak) || strong == DType::boolean) return promote(strong, weak);
  return strong;
}

Tensor Operand::as(DType dtype) const {
  if (!is_number()) return cast(tensor_, dtype);
  return visit(dtype, [&]<class T>(std::type_identity<T>) {
    T value;
    if constexpr (std::is_same_v<T, bool>) value = number_ != 0;
    else if constexpr (std::is_integral_v<T>)
      value = static_cast<T>(kind_ == Kind::floating ? static_cast<int64_t>(number_) : integer_);
    else if constexpr (std::is_same_v<T, double>)
      value = kind_ == Kind::floating ? number_ : static_cast<double>(integer_);
    else value = T(static_cast<float>(number_));
    return Tensor::from(std::span<const T>(&value, 1), Shape{}, Device());
  });
}

std::pair<Tensor, Tensor> promoted(const Operand& a, const Operand& b) {
  DType dtype = Operand::common_dtype(a, b);
  return {a.as(dtype), b.as(dtype)};
}

std::pair<Tensor, Tensor> promoted_floats(const Operand& a, const Operand& b) {
  DType dtype = at_least_float(Operand::common_dtype(a, b));
  return {a.as(dtype), b.as(dtype)};
}

std::pair<Tensor, Tensor> promoted_numbers(const Operand& a, const Operand& b) {
  DType dtype = Operand::common_dtype(a, b);
  if (dtype == DType::boolean) dtype = DType::int32;
  return {a.as(dtype), b.as(dtype)};
}

}  // namespace weft
