// Ties, zeros, masks, empty axes and dtypes; the generic op test compares with the reference everywhere else.

#include <weft/autograd/ops/reduce.hpp>

#include <weft/autograd/ops/cumulative.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

#include "elementwise_helpers.hpp"

using namespace weft;
using namespace weft::test;

namespace {
Tensor matrix(const std::vector<double>& values, int64_t rows) {
  return Tensor::from(values, {rows, static_cast<int64_t>(values.size()) / rows});
}
}  // namespace

TEST_CASE("max and min share the gradient among ties", "[reduce]") {
  Tensor x = matrix({1, 3, 3, -2, 0, -0.0}, 2);
  check_values(slope([](const Tensor& t) { return max(t, 1); }, x), {0, 0.5, 0.5, 0, 0.5, 0.5});
  check_values(slope([](const Tensor& t) { return max(t); }, x), {0, 0.5, 0.5, 0, 0, 0});
  check_values(slope([](const Tensor& t) { return min(t, {0, 1}, true); }, x), {0, 0, 0, 1, 0, 0});
  check_values(max(matrix({1, not_a_number, 3, -infinity, -infinity, -infinity}, 2), 1), {not_a_number, -infinity});
}

TEST_CASE("prod is differentiated exactly where elements are zero", "[reduce]") {
  Tensor x = matrix({2, 3, 5, 0, 3, 5, 0, 0, 5}, 3);
  check_values(slope([](const Tensor& t) { return prod(t, 1); }, x), {15, 10, 6, 15, 0, 0, 0, 0, 0});
  check_values(slope([](const Tensor& t) { return prod(t); }, matrix({2, 3, 0, 7}, 2)), {0, 0, 42, 0});
  check_values(slope([](const Tensor& t) { return cumprod(t, 0); }, vector_of({2.0, 0.0, 5.0})), {1, 2 + 10, 0});
}

TEST_CASE("sums of nothing are the identity and extrema of nothing are errors", "[reduce]") {
  Tensor x = Tensor::empty({0, 3}, float64);
  check_values(sum(x, 0), {0, 0, 0});
  check_values(prod(x), {1});
  check_values(logsumexp(x, 0), {-infinity, -infinity, -infinity});
  check_values(mean(x), {not_a_number});
  CHECK(max(x, 1).shape() == Shape{0});
  CHECK_THROWS_AS(max(x, 0), ShapeError);
  CHECK_THROWS_AS(argmax(x, 0), ShapeError);
  CHECK_FALSE(any(x).item<bool>());
  CHECK(all(x).item<bool>());
}

TEST_CASE("axes in any order, and errors for wrong ones", "[reduce]") {
  Tensor x = Tensor::empty({2, 3, 5, 7});
  CHECK(sum(x, {-1, 0}).shape() == Shape{3, 5});
  CHECK(sum(x, {2, 1}, true).shape() == Shape{2, 1, 1, 7});
  CHECK(sum(x).shape() == Shape{});
  CHECK_THROWS_AS(sum(x, 4), ShapeError);
  CHECK_THROWS_AS(sum(x, {1, -3}), ShapeError);
  CHECK(sum(Tensor(3.0)).item() == 3);
}

TEST_CASE("dtypes of reductions", "[reduce]") {
  Tensor whole = Tensor::from(std::vector<int32_t>{1, 2, 4}, {3});
  CHECK(sum(whole).dtype() == int32);
  CHECK(sum(whole == 1).dtype() == int64);
  CHECK(mean(whole).item() == Approx(7.0 / 3));
  CHECK(mean(whole).dtype() == float32);
  CHECK(max(whole).item<int32_t>() == 4);
  CHECK(count_nonzero(whole - 1).item<int64_t>() == 2);
  CHECK(any(whole == 4).item<bool>());
  CHECK_FALSE(all(whole == 4).item<bool>());
  // A sum that float16 could not hold.
  std::vector<float16> many(5000, float16(60.0f));
  CHECK(mean(Tensor::from(many, {5000})).item() == 60);
}

TEST_CASE("a sum of many float32 numbers keeps its digits", "[reduce]") {
  std::vector<float> values(1 << 20, 0.1f);
  CHECK(sum(floats_of(values)).item() == Approx((1 << 20) * static_cast<double>(0.1f)).epsilon(1e-6));
  Tensor columns = Tensor::from(values, {1 << 18, 4});
  CHECK(sum(columns, 0).to_vector<float>()[3] == Approx((1 << 18) * static_cast<double>(0.1f)).epsilon(1e-6));
}

TEST_CASE("argmax and argmin take the first, and NaN", "[reduce]") {
  Tensor x = matrix({1, 3, 3, 2, 2, 5}, 2);
  CHECK(argmax(x, 1).to_vector<int64_t>() == std::vector<int64_t>{1, 2});
  CHECK(argmin(x, -1, true).to_vector<int64_t>() == std::vector<int64_t>{0, 0});
  CHECK(argmax(x, 0).to_vector<int64_t>() == std::vector<int64_t>{1, 0, 1});
  CHECK(argmax(x).item<int64_t>() == 5);
  CHECK(argmin(vector_of({1.0, not_a_number, 0.0, not_a_number})).item<int64_t>() == 1);
}

TEST_CASE("masks leave elements out", "[reduce]") {
  Tensor x = matrix({1, 2, 100, 4, 5, 6}, 2), mask = matrix({1, 1, 0, 0, 0, 0}, 2) != 0;
  check_values(sum(x, 1, false, mask), {3, 0});
  check_values(prod(x, 1, false, mask), {2, 1});
  check_values(max(x, 1, false, mask), {2, -infinity});
  check_values(mean(x, 1, false, mask), {1.5, not_a_number});
  check_values(var(x, 1, 0, false, mask), {0.25, not_a_number});
  check_values(logsumexp(x, 1, false, mask), {std::log(std::exp(1.0) + std::exp(2.0)), -infinity});
  check_values(slope([&](const Tensor& t) { return sum(t, 1, false, mask); }, x), {1, 1, 0, 0, 0, 0});
}

TEST_CASE("var, stddev, norm and logsumexp", "[reduce]") {
  Tensor x = matrix({1, 2, 4, 7}, 1);
  check_values(var(x), {5.25});
  check_values(var(x, 1, 1), {7});
  check_values(stddev(x, {}, 1), {std::sqrt(7.0)});
  check_values(norm(x), {std::sqrt(70.0)});
  check_values(norm(x, 1, 1), {14});
  check_values(norm(x, 1, infinity), {7});
  check_values(norm(x, 1, 3), {std::cbrt(1 + 8 + 64 + 343)});
  for (double order : {2.0, 3.0})
    check_values(slope([&](const Tensor& t) { return norm(t, {}, order); }, vector_of({0.0, 0.0})), {0, 0});
  check_values(logsumexp(vector_of({1000.0, 1000.0})), {1000 + std::log(2.0)});
  check_values(logsumexp(vector_of({-infinity, -infinity})), {-infinity});
  check_values(logsumexp(vector_of({infinity, 1.0})), {infinity});
  check_values(slope([](const Tensor& t) { return logsumexp(t); }, vector_of({-infinity, 0.0})), {0, 1});
  check_values(slope([](const Tensor& t) { return logsumexp(t); }, vector_of({-infinity, -infinity})), {0, 0});
  check_values(logmeanexp(vector_of({2.0, 2.0, 2.0})), {2});
}

TEST_CASE("sum_to undoes a broadcast", "[reduce]") {
  Tensor x = matrix({1, 2, 3, 4, 5, 6}, 2);
  check_values(sum_to(x, {3}), {5, 7, 9});
  check_values(sum_to(x, {2, 1}), {6, 15});
  check_values(sum_to(x, {1}), {21});
  check_values(sum_to(x, {}), {21});
  CHECK(sum_to(x, {2, 3}).same_as(x));
  CHECK_THROWS_AS(sum_to(x, {2}), ShapeError);
}

TEST_CASE("running reductions, forward and back", "[cumulative]") {
  Tensor x = vector_of({1.0, 3.0, 2.0, 3.0});
  check_values(cumsum(x, 0), {1, 4, 6, 9});
  check_values(cumsum(x, 0, true), {9, 8, 5, 3});
  check_values(cumsum(x, -1, false, true), {0, 1, 4, 6});
  check_values(cumprod(x, 0, true), {18, 18, 6, 3});
  check_values(cummax(x, 0), {1, 3, 3, 3});
  check_values(cummin(x, 0, true), {1, 2, 2, 3});
  check_values(slope([](const Tensor& t) { return cummax(t, 0); }, x), {1, 3, 0, 0});
  check_values(cumlogsumexp(vector_of({1000.0, 1000.0, -infinity}), 0),
               {1000, 1000 + std::log(2.0), 1000 + std::log(2.0)});
  check_values(slope([](const Tensor& t) { return cumlogsumexp(t, 0); }, vector_of({-1000.0, 1000.0})), {1, 1});
  check_values(cummax(vector_of({1.0, not_a_number, 5.0}), 0), {1, not_a_number, not_a_number});
  check_values(diff(x), {2, -1, 1});
  CHECK(diff(Tensor::empty({3, 1})).shape() == Shape{3, 0});
  CHECK(cumsum(Tensor::empty({3, 0}), 1).shape() == Shape{3, 0});
  CHECK_THROWS_AS(cumsum(x, 1), ShapeError);
}
