#pragma once

#include <weft/autograd/primitive.hpp>

namespace weft {

// Checks that the shape rules of several primitives share. `op` is the primitive's name, for the message.

/// Throws DTypeError unless the dtype is in the set: `exp: expected floating numbers, got int32[3]`.
void expect_dtype(std::string_view op, const Spec& spec, DTypeSet allowed, const char* what);
inline void expect_float(std::string_view op, const Spec& spec) {
  expect_dtype(op, spec, all_floats, "floating numbers");
}
inline void expect_number(std::string_view op, const Spec& spec) {
  expect_dtype(op, spec, all_floats | integers, "numbers");
}
inline void expect_boolean(std::string_view op, const Spec& spec) {
  expect_dtype(op, spec, {DType::boolean}, "booleans");
}
/// Throws DTypeError unless both dtypes are the same.
void expect_same_dtype(std::string_view op, const Spec& a, const Spec& b);
/// Throws ShapeError unless both shapes are the same.
void expect_same_shape(std::string_view op, const Spec& a, const Spec& b);

}  // namespace weft
