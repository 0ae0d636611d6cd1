// Kinks, infinities, NaN, signed zeros and dtypes; the generic op test compares with the reference everywhere else.

#include <weft/autograd/ops/unary.hpp>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/core/error.hpp>

#include "elementwise_helpers.hpp"

using namespace weft;
using namespace weft::test;

TEST_CASE("gradients at kinks are those of the conventions", "[unary]") {
  Tensor x = vector_of({-1.0, -0.0, 0.0, 2.0});
  check_values(slope([](const Tensor& t) { return abs(t); }, x), {-1, 1, 1, 1});
  check_values(abs(x), {1, 0, 0, 2});
  check_values(slope([](const Tensor& t) { return sign(t) + t; }, x), {1, 1, 1, 1});
  check_values(slope([](const Tensor& t) { return relu(t); }, x), {0, 0, 0, 1});
  Tensor (*const rounding[])(const Tensor&) = {floor, ceil, round, trunc};
  for (auto rounded : rounding)
    check_values(slope([&](const Tensor& t) { return rounded(t) * 3 + t; }, x), {1, 1, 1, 1});
}

TEST_CASE("gradients of activations at their kinks", "[activation]") {
  auto slope_at = [](Tensor (*f)(const Tensor&), double x) { return slope(f, vector_of({x})).item(); };
  CHECK(slope_at(relu6, 0) == 0);
  CHECK(slope_at(relu6, 6) == 0);
  CHECK(slope_at(relu6, 3) == 1);
  CHECK(slope_at([](const Tensor& x) { return leaky_relu(x); }, 0) == 1);
  CHECK(slope_at([](const Tensor& x) { return prelu(x, Tensor(0.25)); }, 0) == 1);
  CHECK(slope_at([](const Tensor& x) { return elu(x); }, 0) == 1);
  CHECK(slope_at([](const Tensor& x) { return celu(x, 2); }, 0) == 1);
  CHECK(slope_at(selu, 0) == Approx(1.0507009873554805 * 1.6732632423543773));
  CHECK(slope_at(hard_tanh, 1) == 1);
  CHECK(slope_at(hard_tanh, -1) == 1);
  CHECK(slope_at(hard_tanh, 1.5) == 0);
  CHECK(slope_at(hard_sigmoid, -3) == 0);
  CHECK(slope_at(hard_sigmoid, 3) == 0);
  CHECK(slope_at(hard_silu, 3) == 1);
  CHECK(slope_at(soft_sign, 0) == 1);
}

TEST_CASE("activations at extremes neither overflow nor lose their limits", "[activation]") {
  Tensor x = floats_of({-1e30f, -100, 100, 1e30f});
  for (auto f : {silu, mish}) check_values(f(x), {0, 0, 100, 1e30}, 1e-6);
  for (bool approximate : {true, false}) {
    auto f = [&](const Tensor& t) { return gelu(t, approximate); };
    check_values(f(x), {0, 0, 100, 1e30}, 1e-6);
    check_values(slope(f, x), {0, 0, 1, 1}, 1e-6);
  }
  check_values(slope(silu, x), {0, 0, 1, 1}, 1e-6);
  check_values(sigmoid(x), {0, 0, 1, 1}, 1e-7);
  check_values(softplus(x), {0, 0, 100, 1e30}, 1e-6);
  check_values(log_sigmoid(x), {-1e30, -100, 0, 0}, 1e-6);
  check_values(slope(softplus, x), {0, 0, 1, 1}, 1e-7);
  check_values(elu(vector_of({-infinity, infinity})), {-1, infinity});
  check_values(slope([](const Tensor& t) { return elu(t); }, vector_of({-1000.0, 1000.0})), {0, 1});
}

TEST_CASE("infinities, NaN and signed zeros follow cmath", "[unary]") {
  std::vector<double> special = {0.0, -0.0, 1, -1, infinity, -infinity, not_a_number};
  auto check = [&](Tensor (*f)(const Tensor&), double (*expected)(double)) {
    std::vector<double> values;
    for (double x : special) values.push_back(expected(x));
    check_values(f(vector_of(special)), values);
    Tensor narrow = f(cast(vector_of(special), float32));
    check_values(narrow, values, 1e-6);
    for (size_t i = 0; i < values.size(); ++i) {
      INFO("at " << special[i] << ": expected " << values[i]);
      if (!std::isnan(values[i])) CHECK(std::signbit(narrow.to_vector<float>()[i]) == std::signbit(values[i]));
    }
  };
  check(exp, [](double x) { return std::exp(x); });
  check(exp2, [](double x) { return std::exp2(x); });
  check(expm1, [](double x) { return std::expm1(x); });
  check(log, [](double x) { return std::log(x); });
  check(log2, [](double x) { return std::log2(x); });
  check(log10, [](double x) { return std::log10(x); });
  check(log1p, [](double x) { return std::log1p(x); });
  check(sqrt, [](double x) { return std::sqrt(x); });
  check(cbrt, [](double x) { return std::cbrt(x); });
  check(sin, [](double x) { return std::sin(x); });
  check(atan, [](double x) { return std::atan(x); });
  check(asin, [](double x) { return std::asin(x); });
  check(sinh, [](double x) { return std::sinh(x); });
  check(cosh, [](double x) { return std::cosh(x); });
  check(tanh, [](double x) { return std::tanh(x); });
  check(asinh, [](double x) { return std::asinh(x); });
  check(acosh, [](double x) { return std::acosh(x); });
  check(atanh, [](double x) { return std::atanh(x); });
  check(erf, [](double x) { return std::erf(x); });
  check(erfc, [](double x) { return std::erfc(x); });
  check(reciprocal, [](double x) { return 1 / x; });
  check(negative, [](double x) { return -x; });
  check(floor, [](double x) { return std::floor(x); });
  check(relu, [](double x) { return x <= 0 ? 0.0 : x; });
}

TEST_CASE("exp and its kin reach the ends of float32", "[unary]") {
  Tensor x = floats_of({-103, -95, -88, 88.5f, 89});
  check_values(exp(x) * 1e38f, {0, std::exp(-95.0) * 1e38, std::exp(-88.0) * 1e38, infinity, infinity}, 2e-5);
  CHECK(exp(x).to_vector<float>()[1] > 0);
  CHECK(std::isfinite(exp(x).to_vector<float>()[3]));
  check_values(log(floats_of({1e-44f, 1e-38f, 3e38f})),
               {std::log(static_cast<double>(1e-44f)), std::log(1e-38), std::log(3e38)}, 1e-6);
}

TEST_CASE("round goes to even", "[unary]") {
  check_values(round(vector_of({-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4999999})), {-2, -2, 0, 0, 2, 2, 0});
}

TEST_CASE("integers keep their dtype or become float32", "[unary]") {
  Tensor x = Tensor::from(std::vector<int32_t>{-3, 0, 4}, {3});
  CHECK(abs(x).to_vector<int32_t>() == std::vector<int32_t>{3, 0, 4});
  CHECK(sign(x).to_vector<int32_t>() == std::vector<int32_t>{-1, 0, 1});
  CHECK(square(x).to_vector<int32_t>() == std::vector<int32_t>{9, 0, 16});
  CHECK(relu(x).to_vector<int32_t>() == std::vector<int32_t>{0, 0, 4});
  CHECK(floor(x).dtype() == int32);
  CHECK(exp(x).dtype() == float32);
  CHECK(truths(isnan(x)) == std::vector<int32_t>{0, 0, 0});
  CHECK(truths((!x)) == std::vector<int32_t>{0, 1, 0});
  int32_t lowest = std::numeric_limits<int32_t>::min();
  CHECK((-Tensor(lowest)).item<int32_t>() == lowest);
  CHECK(integer_pow(x, 3).to_vector<int32_t>() == std::vector<int32_t>{-27, 0, 64});
  CHECK_THROWS_AS(integer_pow(x, -2), ValueError);
}

TEST_CASE("sinc, logit, erfinv and nan_to_num", "[unary]") {
  check_values(sinc(vector_of({0.0, 0.01, 0.5, -1.0})), {1, std::sin(0.01 * M_PI) / (0.01 * M_PI), 2 / M_PI, 0});
  auto second = [](const Tensor& x) {
    return slope([](const Tensor& t) { return slope([](const Tensor& u) { return sinc(u); }, t); }, x);
  };
  check_values(second(vector_of({0.0})), {-M_PI * M_PI / 3}, 1e-10);
  check_values(logit(vector_of({0.5, 0.9})), {0, std::log(9.0)});
  check_values(erfinv(vector_of({0.0, 0.5, -1.0, 1.0, 2.0})),
               {0, 0.47693627620446987, -infinity, infinity, not_a_number});
  check_values(erf(erfinv(vector_of({1e-9, -0.3, 0.999999}))), {1e-9, -0.3, 0.999999});
  float largest = std::numeric_limits<float>::max();
  Tensor x = floats_of({NAN, INFINITY, -INFINITY, 1});
  check_values(nan_to_num(x), {0, largest, -largest, 1});
  check_values(nan_to_num(x, 7), {7, largest, -largest, 1});
  check_values(slope([](const Tensor& t) { return nan_to_num(t); }, x), {0, 0, 0, 1});
}

TEST_CASE("cast truncates, and gradients flow between floats alone", "[cast]") {
  Tensor x = vector_of({-2.7, -0.5, 0.0, 1.9});
  CHECK(cast(x, int32).to_vector<int32_t>() == std::vector<int32_t>{-2, 0, 0, 1});
  CHECK(truths(cast(x, boolean)) == std::vector<int32_t>{1, 1, 0, 1});
  CHECK(cast(x, float64).same_as(x));
  check_values(slope([](const Tensor& t) { return cast(cast(t, float32) * 2, float64); }, x), {2, 2, 2, 2});
  check_values(slope([](const Tensor& t) { return cast(cast(t, int32), float64) + t; }, x), {1, 1, 1, 1});
  Tensor column = vector_of({1.0, 2.0, 3.0, 4.0}).strided_view({2}, {2}, 1);
  CHECK(copy(column).is_contiguous());
  check_values(contiguous(column), {2, 4});
}

TEST_CASE("empty and scalar tensors go through", "[unary]") {
  CHECK(exp(Tensor::empty({0, 3})).shape() == Shape{0, 3});
  CHECK(exp(Tensor(0.0f)).item() == 1);
  CHECK(exp(Tensor(0.0f)).shape() == Shape{});
}
