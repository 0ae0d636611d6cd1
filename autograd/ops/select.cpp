#include <weft/autograd/ops/select.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>

namespace weft {
namespace {

Specs select_shape(const op::Select&, std::span<const Spec> in) {
  expect_boolean("where", in[0]);
  expect_same_dtype("where", in[1], in[2]);
  Shape shape = broadcast_shapes(in[1].shape, in[2].shape, "where");
  return {{broadcast_shapes(in[0].shape, shape, "where"), in[1].dtype}};
}

Tensors select_grad(const op::Select&, const GradCall& c) {
  Tensors result(3);
  const Tensor &condition = c.inputs[0], &g = c.cotangent();
  if (c.wants(1)) result[1] = sum_to(where(condition, g, 0), c.inputs[1].shape());
  if (c.wants(2)) result[2] = sum_to(where(condition, 0, g), c.inputs[2].shape());
  return result;
}

std::vector<Sample> select_samples() {
  auto floats = [](const Shape& condition, const Shape& x, const Shape& y) {
    return sample(op::Select{}, {spread_booleans(condition), spread(x, -1, 1), spread(y, -1, 1, 1)});
  };
  std::vector<Sample> samples = {floats({3, 67}, {3, 67}, {3, 67}),    floats({5, 1}, {7}, {}), floats({}, {2, 3}, {3}),
                                 floats({2, 1, 3}, {5, 1}, {2, 5, 3}), floats({0}, {}, {0}),    floats({}, {}, {})};
  for (DType dtype : {DType::int32, DType::int64})
    samples.push_back(
        sample(op::Select{},
               {spread_booleans({5, 7}), spread_integers({7}, -5, 5, dtype), spread_integers({}, 8, 9, dtype)}, false));
  samples.push_back(sample(op::Select{}, {spread_booleans({37}), spread_booleans({37}, 1), spread_booleans({37}, 2)}));
  return samples;
}

}  // namespace

void define_select() {
  define_primitive<op::Select>(
      {.shape = select_shape, .grad = select_grad, .samples = select_samples, .saved_inputs = 1, .elementwise = true});
}

Tensor where(const Tensor& condition, const Operand& x, const Operand& y) {
  auto [a, b] = promoted(x, y);
  return apply(op::Select{}, {cast(condition, DType::boolean), a, b});
}

Tensor clip(const Tensor& x, const Operand& low, const Operand& high) { return minimum(maximum(x, low), high); }

}  // namespace weft
