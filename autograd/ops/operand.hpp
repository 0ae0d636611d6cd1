#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <weft/core/tensor.hpp>

namespace weft {

/// What binary functions take: a tensor, anything that converts to one, or a C++ number. A number is weak: it takes the
/// dtype of the tensor beside it, save that a floating number beside an integer or boolean tensor makes the result
/// float32, and an integer beside a boolean tensor makes it int32 (int64 when it does not fit).
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(tensor) {}
  Operand(Tensor&& tensor) : tensor_(std::move(tensor)) {}
  template <class T>
  requires(!std::is_arithmetic_v<T> && !std::same_as<T, Operand> && !std::same_as<T, Tensor> &&
           std::is_convertible_v<const T&, Tensor>) Operand(const T& tensor)
      : tensor_(static_cast<const Tensor&>(Tensor(tensor))) {}
  template <class T>
  requires std::is_arithmetic_v<T> Operand(T value)
      : kind_(std::is_same_v<T, bool> ? Kind::boolean : (std::is_floating_point_v<T> ? Kind::floating : Kind::integer)),
        number_(static_cast<double>(value)),
        integer_(std::is_floating_point_v<T> ? 0 : static_cast<int64_t>(value)) {}

  /// True for a C++ number.
  bool is_number() const { return kind_ != Kind::tensor; }
  bool is_floating_number() const { return kind_ == Kind::floating; }
  double number() const { return number_; }
  /// The tensor; undefined for a number.
  const Tensor& tensor() const { return tensor_; }
  /// A tensor's dtype; a number's own when it stands alone: float32, int32 or int64, bool.
  DType dtype() const;
  /// The result type of an op on both.
  static DType common_dtype(const Operand& a, const Operand& b);
  /// As a tensor of that dtype, a number with shape [] in host memory.
  Tensor as(DType dtype) const;

 private:
  enum class Kind : uint8_t { tensor, boolean, integer, floating };
  Kind kind_ = Kind::tensor;
  double number_ = 0;
  int64_t integer_ = 0;
  Tensor tensor_;
};

/// Both with their common dtype.
std::pair<Tensor, Tensor> promoted(const Operand& a, const Operand& b);
/// The same, and at least float32.
std::pair<Tensor, Tensor> promoted_floats(const Operand& a, const Operand& b);
/// The same, with two booleans as int32.
std::pair<Tensor, Tensor> promoted_numbers(const Operand& a, const Operand& b);

}  // namespace weft
