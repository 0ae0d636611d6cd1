#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/reduce.hpp>

namespace weft::test {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

inline Tensor vector_of(const std::vector<double>& values) {
  return Tensor::from(values, {static_cast<int64_t>(values.size())});
}
inline Tensor floats_of(const std::vector<float>& values) {
  return Tensor::from(values, {static_cast<int64_t>(values.size())});
}

/// Element by element equal within `tolerance` (relative, and absolute below 1); NaN equals NaN and zeros their sign.
inline void check_values(const Tensor& got, const std::vector<double>& expected, double tolerance = 1e-12) {
  std::vector<double> values;
  if (got.dtype() == DType::float32)
    for (float value : got.to_vector<float>()) values.push_back(value);
  else values = got.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    INFO("element " << i << ": expected " << expected[i] << ", got " << values[i]);
    if (std::isnan(expected[i])) {
      CHECK(std::isnan(values[i]));
    } else if (std::isinf(expected[i]) || expected[i] == 0) {
      CHECK(values[i] == Approx(expected[i]).margin(std::isinf(expected[i]) ? 0 : tolerance));
    } else {
      CHECK(std::abs(values[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])));
    }
  }
}

/// Booleans as 0 and 1.
inline std::vector<int32_t> truths(const Tensor& x) { return cast(x, int32).to_vector<int32_t>(); }

/// The gradient of the sum of f(x).
template <class F> Tensor slope(F&& f, const Tensor& x) {
  return grad([&](const Tensor& y) { return sum(f(y)); }, x);
}

/// The gradients of the sum of f(x, y).
template <class F> Tensors slopes(F&& f, const Tensor& x, const Tensor& y) {
  return grad([&](const Tensors& in) { return sum(f(in[0], in[1])); }, {x, y});
}

}  // namespace weft::test
