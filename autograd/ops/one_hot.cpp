#include <weft/autograd/ops/one_hot.hpp>

#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs one_hot_shape(const op::OneHot& op, std::span<const Spec> inputs) {
  expect_dtype("one_hot", inputs[0], integers, "integer indices");
  Shape shape = inputs[0].shape;
  shape.insert(op.axis, op.classes);
  return {{shape, op.dtype}};
}

std::vector<Sample> one_hot_samples() {
  return {sample(op::OneHot{5, 2, DType::float32}, {spread_integers({3, 7}, -2, 7, DType::int32)}),
          sample(op::OneHot{5, 0, DType::float64}, {spread_integers({3, 7}, 0, 5, DType::int64)}),
          sample(op::OneHot{7, 1, DType::bfloat16}, {spread_integers({3, 2}, 0, 7, DType::int32)}),
          sample(op::OneHot{7, 1, DType::boolean}, {spread_integers({11}, 0, 7, DType::int32)}),
          sample(op::OneHot{3, 0, DType::int32}, {spread_integers({}, 0, 3, DType::int32)}),
          sample(op::OneHot{0, 1, DType::float32}, {spread_integers({3}, 0, 3, DType::int32)}),
          sample(op::OneHot{5, 1, DType::float32}, {spread_integers({0}, 0, 3, DType::int32)})};
}

}  // namespace

void define_one_hot() {
  define_primitive<op::OneHot>({.shape = one_hot_shape, .samples = one_hot_samples, .not_differentiable = true});
}

Tensor one_hot(const Tensor& indices, int64_t classes, DType dtype, int axis) {
  if (classes < 0)
    throw ValueError("one_hot: expected a number of classes of 0 or more, got " + std::to_string(classes));
  axis = normalize_axis(axis, Shape::filled(indices.rank() + 1, 1), "one_hot");
  return apply(op::OneHot{classes, axis, dtype}, {indices});
}

}  // namespace weft
