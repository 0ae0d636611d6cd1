#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <weft/weft.hpp>

namespace weft::testing {

/// Values without a pattern that a mixed-up axis could hide behind, within [-1, 1].
inline Tensor wavy(const Shape& shape, double phase = 0, DType dtype = DType::float32) {
  Tensor values = Tensor::empty(shape, DType::float64, Device());
  double* data = values.mutable_data<double>();
  for (int64_t i = 0; i < values.elements(); ++i) data[i] = std::sin(0.7 * static_cast<double>(i) + phase + 0.3);
  return cast(values.to(default_device()), dtype);
}

inline std::vector<double> numbers(const Tensor& tensor) {
  return cast(tensor.detach(), DType::float64).to_vector<double>();
}

inline double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(to_string(a.shape()) == to_string(b.shape()));
  std::vector<double> x = numbers(a), y = numbers(b);
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double difference = std::fabs(x[i] - y[i]);
    if (!(difference <= largest)) largest = difference;  // NaN counts
  }
  return largest;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.spec() == b.spec())) return false;
  std::vector<double> x = numbers(a), y = numbers(b);
  return std::equal(x.begin(), x.end(), y.begin());
}

/// The text of the error of type E that `f` throws; empty when it throws none.
template <class E, class F> std::string error_of(F&& f) {
  try {
    f();
  } catch (const E& error) { return error.what(); }
  return {};
}

/// Gradcheck with respect to a model's parameters, all of float64: `loss` calls the model.
template <Module T>
GradcheckResult check_parameters(T& model, const std::function<Tensor()>& loss, GradcheckOptions options = {}) {
  std::vector<NamedCell> parameters = cells(model, of_type<Param>);
  Tensors values;
  for (const NamedCell& parameter : parameters) values.push_back(parameter.cell->value());
  GradcheckResult result = gradcheck(
      [&](const Tensors& watched) {
        for (size_t i = 0; i < watched.size(); ++i) parameters[i].cell->tracked = watched[i];
        return Tensors{loss()};
      },
      values, options);
  for (const NamedCell& parameter : parameters) parameter.cell->tracked = Tensor();
  return result;
}

}  // namespace weft::testing
