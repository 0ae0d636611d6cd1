#pragma once

#include <weft/autograd/ops/operand.hpp>
#include <weft/autograd/ops/plain_op.hpp>

namespace weft {

// Functions of two tensors, element by element, with NumPy's broadcasting and promotion; C++ numbers are weak (see
// Operand). Shapes that do not broadcast throw ShapeError. Integers wrap around; NaN goes through maximum and minimum.

namespace op {
struct Add : PlainOp<"add"> {};
struct Subtract : PlainOp<"subtract"> {};
struct Multiply : PlainOp<"multiply"> {};
struct Divide : PlainOp<"divide"> {};
struct Power : PlainOp<"power"> {};
struct Maximum : PlainOp<"maximum"> {};
struct Minimum : PlainOp<"minimum"> {};
struct Atan2 : PlainOp<"atan2"> {};
struct Hypot : PlainOp<"hypot"> {};
struct LogAddExp : PlainOp<"logaddexp"> {};
struct Remainder : PlainOp<"remainder"> {};
struct FloorDivide : PlainOp<"floor_divide"> {};
struct Equal : PlainOp<"equal"> {};
struct NotEqual : PlainOp<"not_equal"> {};
struct Less : PlainOp<"less"> {};
struct LessEqual : PlainOp<"less_equal"> {};
struct Greater : PlainOp<"greater"> {};
struct GreaterEqual : PlainOp<"greater_equal"> {};
struct LogicalAnd : PlainOp<"logical_and"> {};
struct LogicalOr : PlainOp<"logical_or"> {};
struct LogicalXor : PlainOp<"logical_xor"> {};
/// See step().
struct Step : PlainOp<"step"> {};
struct IntegerPow {
  static constexpr std::string_view name = "integer_pow";
  int power = 1;
  friend bool operator==(const IntegerPow&, const IntegerPow&) = default;
};
}  // namespace op

Tensor add(const Operand& x, const Operand& y);
Tensor subtract(const Operand& x, const Operand& y);
Tensor multiply(const Operand& x, const Operand& y);
/// True division: integers give float32.
Tensor divide(const Operand& x, const Operand& y);
/// x to the power y. Integers keep their dtype (negative powers give 0 unless |x| is 1). Derivatives at the edges: 0
/// with respect to y at x = 0, 0 with respect to x at y = 0.
Tensor power(const Operand& x, const Operand& y);
/// Equal arguments share the gradient in halves, as in minimum.
Tensor maximum(const Operand& x, const Operand& y);
Tensor minimum(const Operand& x, const Operand& y);
/// The angle of the point (y, x), in that order of arguments, in (-pi, pi].
Tensor atan2(const Operand& y, const Operand& x);
/// sqrt(x^2 + y^2) without overflow.
Tensor hypot(const Operand& x, const Operand& y);
/// log(exp(x) + exp(y)) without overflow.
Tensor logaddexp(const Operand& x, const Operand& y);
/// x - y * floor(x / y), with the sign of y, as Python's %. Integers modulo 0 give 0.
Tensor remainder(const Operand& x, const Operand& y);
/// floor(x / y), no gradient. Integers divided by 0 give 0.
Tensor floor_divide(const Operand& x, const Operand& y);

// Boolean results, no gradient.
Tensor equal(const Operand& x, const Operand& y);
Tensor not_equal(const Operand& x, const Operand& y);
Tensor less(const Operand& x, const Operand& y);
Tensor less_equal(const Operand& x, const Operand& y);
Tensor greater(const Operand& x, const Operand& y);
Tensor greater_equal(const Operand& x, const Operand& y);
/// Anything but 0 counts as true, as in logical_or and logical_xor.
Tensor logical_and(const Operand& x, const Operand& y);
Tensor logical_or(const Operand& x, const Operand& y);
Tensor logical_xor(const Operand& x, const Operand& y);

/// 1 where x > y, 1/2 where they are equal, else 0; no gradient. The derivative of maximum(x, y) with respect to x.
Tensor step(const Operand& x, const Operand& y);
/// x * log(y), 0 where x is 0 and y is not NaN.
Tensor xlogy(const Operand& x, const Operand& y);

inline Tensor operator+(const Operand& x, const Operand& y) { return add(x, y); }
inline Tensor operator-(const Operand& x, const Operand& y) { return subtract(x, y); }
inline Tensor operator*(const Operand& x, const Operand& y) { return multiply(x, y); }
inline Tensor operator/(const Operand& x, const Operand& y) { return divide(x, y); }
inline Tensor operator%(const Operand& x, const Operand& y) { return remainder(x, y); }
inline Tensor operator==(const Operand& x, const Operand& y) { return equal(x, y); }
inline Tensor operator!=(const Operand& x, const Operand& y) { return not_equal(x, y); }
inline Tensor operator<(const Operand& x, const Operand& y) { return less(x, y); }
inline Tensor operator<=(const Operand& x, const Operand& y) { return less_equal(x, y); }
inline Tensor operator>(const Operand& x, const Operand& y) { return greater(x, y); }
inline Tensor operator>=(const Operand& x, const Operand& y) { return greater_equal(x, y); }
/// Logical, not bitwise.
inline Tensor operator&(const Operand& x, const Operand& y) { return logical_and(x, y); }
inline Tensor operator|(const Operand& x, const Operand& y) { return logical_or(x, y); }

// These make the name x stand for a new tensor; nothing is changed in place.
inline Tensor& operator+=(Tensor& x, const Operand& y) { return x = add(x, y); }
inline Tensor& operator-=(Tensor& x, const Operand& y) { return x = subtract(x, y); }
inline Tensor& operator*=(Tensor& x, const Operand& y) { return x = multiply(x, y); }
inline Tensor& operator/=(Tensor& x, const Operand& y) { return x = divide(x, y); }

}  // namespace weft
