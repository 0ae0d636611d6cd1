#include <weft/autograd/ops/adam_step.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

using op::AdamStep;

Specs shape(const AdamStep&, std::span<const Spec> in) {
  expect_float(AdamStep::name, in[0]);
  Spec scalar{Shape{}, in[0].dtype};
  if (in.size() != 5 || !(in[0] == in[1]) || !(in[0] == in[2]) || !(in[3] == scalar) || !(in[4] == scalar))
    throw ShapeError("adam_step: expected gradient and moments of one shape, two scalars, all of one dtype");
  return {in[0], in[0], in[0]};
}

Tensors composed(const AdamStep& op, std::span<const Tensor> in) {
  Tensor m = op.b1 * in[1] + (1 - op.b1) * in[0];
  Tensor v = op.b2 * in[2] + (1 - op.b2) * square(in[0]);
  Tensor u = (m / in[3]) / (sqrt(v / in[4] + op.eps_root) + op.eps);
  return {u, m, v};
}

Flops flops(const AdamStep&, std::span<const Spec> in, std::span<const Spec>) {
  return 12 * static_cast<Flops>(in[0].shape.elements());
}

std::vector<Sample> samples() {
  auto wave = [](Shape shape, double frequency, double low) {
    std::vector<double> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = low + 1 + static_cast<double>(i % 7) * frequency;
    return Tensor::from(values, shape);
  };
  std::vector<Sample> list;
  for (const Shape& s : {Shape{3, 5}, Shape{}, Shape{0, 7}, Shape{331}})
    list.push_back(
        sample(AdamStep{}, {wave(s, 0.3, -2), wave(s, 0.1, -1.5), wave(s, 0.2, -0.9), Tensor(0.1), Tensor(0.001)}));
  return list;
}

}  // namespace

void define_adam_step() {
  define_primitive<AdamStep>(
      {.shape = shape, .composed = composed, .samples = samples, .not_differentiable = true, .flops = flops});
}

}  // namespace weft
