#include <weft/autograd/ops/parameter_average.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

using op::ParameterAverage;

Specs shape(const ParameterAverage&, std::span<const Spec> in) {
  const size_t n = in.size() / 2;
  if (in.size() != 2 * n)
    throw ShapeError("parameter_average: expected as many values as averages, got " + std::to_string(in.size()) +
                     " inputs");
  for (size_t i = 0; i < n; ++i) {
    expect_float(ParameterAverage::name, in[i]);
    expect_same_shape(ParameterAverage::name, in[i], in[n + i]);
    expect_same_dtype(ParameterAverage::name, in[i], in[n + i]);
  }
  return Specs(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
}

Tensors composed(const ParameterAverage& op, std::span<const Tensor> in) {
  const size_t n = in.size() / 2;
  Tensors out;
  for (size_t i = 0; i < n; ++i) out.push_back(op.step_size * in[n + i] + (1 - op.step_size) * in[i]);
  return out;
}

std::vector<Sample> samples() {
  auto wave = [](const Shape& shape, double low) {
    std::vector<double> values(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = low + 0.3 * static_cast<double>(i % 7);
    return Tensor::from(values, shape);
  };
  return {sample(ParameterAverage{0.25}, {wave({3, 5}, -1), wave({}, 2), wave({3, 5}, 0.5), wave({}, 1)}),
          sample(ParameterAverage{1}, {wave({331}, -1), wave({0, 3}, 0), wave({331}, 0.5), wave({0, 3}, 0)})};
}

}  // namespace

void define_parameter_average() {
  define_primitive<ParameterAverage>({.shape = shape,
                                      .composed = composed,
                                      .samples = samples,
                                      .overwrites = [](const ParameterAverage&, int output, int) { return output; }});
}

}  // namespace weft
