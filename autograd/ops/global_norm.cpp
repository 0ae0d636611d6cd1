#include <weft/autograd/ops/global_norm.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>

namespace weft {
namespace {

using op::GlobalNorm;

Specs shape(const GlobalNorm&, std::span<const Spec> in) {
  for (const Spec& spec : in) expect_float(GlobalNorm::name, spec);
  return {{Shape{}, DType::float64}};
}

Tensors composed(const GlobalNorm&, std::span<const Tensor> in) {
  Tensor total(0.0);
  for (const Tensor& tensor : in) total = total + sum(square(cast(tensor, DType::float64)));
  return {sqrt(total)};
}

Flops flops(const GlobalNorm&, std::span<const Spec> in, std::span<const Spec>) {
  Flops elements = 0;
  for (const Spec& spec : in) elements += static_cast<Flops>(spec.shape.elements());
  return 2 * elements;
}

std::vector<Sample> samples() {
  auto wave = [](const Shape& shape) {
    std::vector<double> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.3 * static_cast<double>(i % 7) - 0.7;
    return Tensor::from(values, shape);
  };
  return {sample(GlobalNorm{}, {wave({3, 5}), wave({}), wave({0, 7}), wave({2311})}),
          sample(GlobalNorm{}, {wave({11})}), sample(GlobalNorm{}, {wave({0})}, false)};
}

}  // namespace

Tensor global_norm(const Tensors& tensors) {
  if (tensors.empty()) return Tensor(0.0);
  return apply_all(GlobalNorm{}, tensors)[0];
}

void define_global_norm() {
  define_primitive<GlobalNorm>({.shape = shape, .composed = composed, .samples = samples, .flops = flops});
}

}  // namespace weft
