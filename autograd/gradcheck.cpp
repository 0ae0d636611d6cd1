#include <weft/autograd/gradcheck.hpp>

#include <algorithm>
#include <cmath>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/reduce.hpp>

namespace weft {
namespace {

/// Numbers without any symmetry that a wrong gradient could hide behind.
Tensor weights_like(const Tensor& tensor, double phase) {
  std::vector<double> values(static_cast<size_t>(tensor.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::sin(1.7 * static_cast<double>(i) + phase) + 0.3 * std::cos(0.61 * static_cast<double>(i * i % 97));
  return Tensor::from(values, tensor.shape(), tensor.device());
}

Tensor weighted_sum(const Tensors& outputs, double phase) {
  Tensor total;
  for (const Tensor& output : outputs) {
    if (!output.defined() || output.dtype() != DType::float64) continue;
    Tensor term = sum(multiply(output, weights_like(output, phase)));
    total = total.defined() ? add(total, term) : term;
    phase += 0.7;
  }
  return total.defined() ? total : Tensor(0.0);
}

/// A scalar function of the float64 inputs alone.
struct Scalarised {
  const Function& function;
  const Tensors& all;
  std::vector<size_t> places;
  bool second_order;

  Tensors full(const Tensors& floats) const {
    Tensors inputs = all;
    for (size_t i = 0; i < places.size(); ++i) inputs[places[i]] = floats[i];
    return inputs;
  }
  Tensor value(const Tensors& floats) const { return weighted_sum(function(full(floats)), 0.4); }
  Tensor operator()(const Tensors& floats) const {
    if (!second_order) return value(floats);
    return weighted_sum(grad([this](const Tensors& inner) { return value(inner); }, floats), 1.1);
  }
};

double evaluate(const Scalarised& function, const Tensors& floats, size_t input, int64_t element, double value) {
  Tensors moved = floats;
  Tensor host = moved[input].to(Device()).copy();
  host.mutable_data<double>()[element] = value;
  moved[input] = host.to(moved[input].device());
  return function(moved).item<double>();
}

}  // namespace

GradcheckResult gradcheck(const Function& function, const Tensors& inputs, GradcheckOptions options) {
  Scalarised scalar{function, inputs, {}, options.second_order};
  Tensors floats;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].dtype() == DType::float64) {
      scalar.places.push_back(i);
      floats.push_back(inputs[i].contiguous());
    }
  if (floats.empty()) return {};
  Tensors analytic = grad([&](const Tensors& at) { return scalar(at); }, floats);

  struct Difference {
    size_t input;
    int64_t element;
    double analytic, numeric;
  };
  std::vector<Difference> differences;
  double largest = 1;
  for (size_t i = 0; i < floats.size(); ++i) {
    std::vector<double> values = floats[i].to_vector<double>(), gradient = analytic[i].to_vector<double>();
    int64_t stride = std::max<int64_t>(1, floats[i].elements() / options.most_elements);
    for (int64_t e = 0; e < floats[i].elements(); e += stride) {
      double x = values[static_cast<size_t>(e)], h = options.step * std::max(1.0, std::abs(x));
      double high = evaluate(scalar, floats, i, e, x + h), low = evaluate(scalar, floats, i, e, x - h);
      double numeric = (high - low) / ((x + h) - (x - h));
      differences.push_back({i, e, gradient[static_cast<size_t>(e)], numeric});
      largest = std::max(largest, std::abs(numeric));
    }
  }
  GradcheckResult result;
  for (const Difference& d : differences) {
    double error = std::abs(d.analytic - d.numeric) / largest;
    if (std::isnan(error)) error = INFINITY;
    if (error <= result.largest_error) continue;
    result.largest_error = error;
    result.message = "input " + std::to_string(scalar.places[d.input]) + ", element " + std::to_string(d.element) +
                     ": gradient " + std::to_string(d.analytic) + ", central difference " + std::to_string(d.numeric) +
                     " (scaled error " + std::to_string(error) + ")";
  }
  result.passed = result.largest_error <= options.tolerance;
  return result;
}

}  // namespace weft
