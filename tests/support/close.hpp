#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/tensor.hpp>

namespace weft::testing {

/// All elements as double, whatever the dtype.
inline std::vector<double> numbers(const Tensor& tensor) {
  Tensor wide = Tensor::empty(tensor.shape(), DType::float64);
  copy_elements(tensor.to("cpu"), wide);
  return wide.to_vector<double>();
}

/// Equal shapes, and |got - expected| <= tolerance * (1 + |expected|) everywhere; NaN and infinities by identity.
inline void check_close(const Tensor& got, const Tensor& expected, double tolerance) {
  REQUIRE(got.shape() == expected.shape());
  const std::vector<double> a = numbers(got), b = numbers(expected);
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    INFO("element " << i << ": got " << a[i] << ", expected " << b[i]);
    REQUIRE(std::abs(a[i] - b[i]) <= tolerance * (1 + std::abs(b[i])));
  }
}

/// The same against numbers written out.
inline void check_values(const Tensor& got, const Shape& shape, const std::vector<double>& expected,
                         double tolerance = 1e-6) {
  check_close(got, Tensor::from(expected, shape), tolerance);
}

/// Runs `f`, which must throw an E whose text contains every one of `parts`.
template <class E, class F> void check_throws(F&& f, const std::vector<std::string>& parts) {
  try {
    f();
  } catch (const E& error) {
    const std::string text = error.what();
    for (const std::string& part : parts) {
      INFO("text: " << text);
      CHECK(text.find(part) != std::string::npos);
    }
    return;
  }
  FAIL("nothing of that type was thrown");
}

}  // namespace weft::testing
