#include <weft/autograd/ops/shape_rules.hpp>

#include <weft/core/error.hpp>

namespace weft {

void expect_dtype(std::string_view op, const Spec& spec, DTypeSet allowed, const char* what) {
  if (!allowed.contains(spec.dtype))
    throw DTypeError(std::string(op) + ": expected " + what + ", got " + to_string(spec));
}

void expect_same_dtype(std::string_view op, const Spec& a, const Spec& b) {
  if (a.dtype != b.dtype)
    throw DTypeError(std::string(op) + ": expected inputs of one dtype, got " + to_string(a) + " and " + to_string(b));
}

void expect_same_shape(std::string_view op, const Spec& a, const Spec& b) {
  if (!(a.shape == b.shape))
    throw ShapeError(std::string(op) + ": expected inputs of one shape, got " + to_string(a) + " and " + to_string(b));
}

}  // namespace weft
