// Ties, edges, promotion and errors; the generic op test compares with the reference everywhere else.

#include <weft/autograd/ops/binary.hpp>

#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>

#include "elementwise_helpers.hpp"

using namespace weft;
using namespace weft::test;

TEST_CASE("maximum and minimum share ties in halves", "[binary]") {
  Tensor x = vector_of({1.0, 2.0, 3.0}), y = vector_of({1.0, 3.0, 2.0});
  Tensors g = slopes(maximum, x, y);
  check_values(g[0], {0.5, 0, 1});
  check_values(g[1], {0.5, 1, 0});
  g = slopes(minimum, x, y);
  check_values(g[0], {0.5, 1, 0});
  check_values(g[1], {0.5, 0, 1});
  check_values(slope([](const Tensor& t) { return clip(t, 1, 2); }, vector_of({0.0, 1.0, 1.5, 2.0, 3.0})),
               {0, 0.5, 1, 0.5, 0});
}

TEST_CASE("NaN goes through maximum and minimum from either side", "[binary]") {
  for (auto f : {maximum, minimum}) {
    check_values(f(vector_of({not_a_number, 1.0, not_a_number}), vector_of({1.0, not_a_number, not_a_number})),
                 {not_a_number, not_a_number, not_a_number});
    check_values(f(floats_of({NAN, 1}), floats_of({1, NAN})), {not_a_number, not_a_number});
  }
}

TEST_CASE("power at its edges", "[binary]") {
  Tensors g = slopes([](const Tensor& x, const Tensor& y) { return power(x, y); }, vector_of({0.0, 0.0, 0.0, 2.0, 0.0}),
                     vector_of({2.0, 1.0, 0.0, 0.0, 3.0}));
  check_values(g[0], {0, 1, 0, 0, 0});
  check_values(g[1], {0, 0, 0, std::log(2.0), 0});
  check_values(power(vector_of({-2.0, 0.0, 2.0, not_a_number}), vector_of({3.0, 0.0, -1.0, 0.0})), {-8, 1, 0.5, 1});
  check_values(power(vector_of({-2.0, 4.0}), 2), {4, 16});
  check_values(power(vector_of({4.0, 2.25}), 0.5), {2, 1.5});
  check_values(power(vector_of({2.0, -4.0}), -2), {0.25, 0.0625});
  check_values(power(2.0, vector_of({3.0, -1.0})), {8, 0.5});
  check_values(slope([](const Tensor& x) { return power(x, 3); }, vector_of({0.0, -2.0})), {0, 12});
  Tensor whole = Tensor::from(std::vector<int32_t>{-1, 2, 3}, {3});
  CHECK(power(whole, 2).to_vector<int32_t>() == std::vector<int32_t>{1, 4, 9});
  CHECK(power(whole, -1).to_vector<int32_t>() == std::vector<int32_t>{-1, 0, 0});
}

TEST_CASE("remainder has the sign of the divisor, and floor_divide goes with it", "[binary]") {
  check_values(remainder(vector_of({5.0, -5.0, 5.0, -5.0, 6.0}), vector_of({3.0, 3.0, -3.0, -3.0, 3.0})),
               {2, 1, -1, -2, 0});
  Tensor x = Tensor::from(std::vector<int32_t>{5, -5, 5, -5, 7, std::numeric_limits<int32_t>::min()}, {6});
  Tensor y = Tensor::from(std::vector<int32_t>{3, 3, -3, -3, 0, -1}, {6});
  CHECK((x % y).to_vector<int32_t>() == std::vector<int32_t>{2, 1, -1, -2, 0, 0});
  CHECK(floor_divide(x, y).to_vector<int32_t>() ==
        std::vector<int32_t>{1, -2, -2, 1, 0, std::numeric_limits<int32_t>::min()});
  Tensors g =
      slopes([](const Tensor& x, const Tensor& y) { return remainder(x, y); }, vector_of({5.0}), vector_of({3.0}));
  check_values(g[0], {1});
  check_values(g[1], {-1});
}

TEST_CASE("logaddexp with infinities", "[binary]") {
  Tensor x = vector_of({infinity, -infinity, -infinity, 1000.0, 0.0, not_a_number});
  Tensor y = vector_of({infinity, -infinity, 1.0, 1000.0, -1000.0, 0.0});
  check_values(logaddexp(x, y), {infinity, -infinity, 1, 1000 + std::log(2.0), 0, not_a_number});
  Tensors g = slopes(logaddexp, x, y);
  check_values(g[0], {0.5, 0.5, 0, 0.5, 1, not_a_number});
  check_values(g[1], {0.5, 0.5, 1, 0.5, 0, not_a_number});
}

TEST_CASE("xlogy is zero at zero, with its gradient", "[binary]") {
  Tensor x = vector_of({0.0, 0.0, 0.0, 2.0, 0.0}), y = vector_of({0.0, infinity, 3.0, 3.0, not_a_number});
  check_values(xlogy(x, y), {0, 0, 0, 2 * std::log(3.0), not_a_number});
  Tensors g = slopes(xlogy, vector_of({0.0, 2.0}), vector_of({3.0, 4.0}));
  check_values(g[0], {std::log(3.0), std::log(4.0)});
  check_values(g[1], {0, 0.5});
}

TEST_CASE("comparisons with NaN and signed zeros", "[binary]") {
  Tensor x = vector_of({not_a_number, 0.0, 1.0}), y = vector_of({not_a_number, -0.0, 2.0});
  CHECK(truths((x == y)) == std::vector<int32_t>{0, 1, 0});
  CHECK(truths((x != y)) == std::vector<int32_t>{1, 0, 1});
  CHECK(truths((x < y)) == std::vector<int32_t>{0, 0, 1});
  CHECK(truths((x >= y)) == std::vector<int32_t>{0, 1, 0});
  CHECK(truths(((x == y) | (x < y))) == std::vector<int32_t>{0, 1, 1});
  CHECK(truths(logical_xor(x, y)) == std::vector<int32_t>{0, 0, 0});
}

TEST_CASE("numbers are weak, dtypes are promoted", "[binary]") {
  Tensor half = Tensor::empty({2}, DType::bfloat16), other = Tensor::empty({2}, DType::float16);
  Tensor whole = Tensor::from(std::vector<int32_t>{1, 2}, {2}), wide = Tensor::from(std::vector<int64_t>{1, 2}, {2});
  Tensor single = Tensor::empty({2}), truth = whole == 1;
  CHECK((half + 1.5).dtype() == DType::bfloat16);
  CHECK((half + other).dtype() == float32);
  CHECK((whole + 1).dtype() == int32);
  CHECK((whole + 1.5).dtype() == float32);
  CHECK((whole / 2).dtype() == float32);
  CHECK((wide + whole).dtype() == int64);
  CHECK((wide * single).dtype() == float32);
  CHECK((truth + 1).dtype() == int32);
  CHECK((truth + truth).to_vector<int32_t>() == std::vector<int32_t>{2, 0});
  CHECK((2.0 * vector_of({1.0})).dtype() == float64);
  CHECK(where(truth, 1, 0.5).dtype() == float32);
  CHECK((wide + (int64_t{1} << 40)).to_vector<int64_t>()[0] == (int64_t{1} << 40) + 1);
}

TEST_CASE("shapes broadcast, gradients are summed back", "[binary]") {
  Tensor x = Tensor::from(std::vector<double>{1, 2, 3}, {3, 1}), y = Tensor::from(std::vector<double>{4, 5}, {2});
  check_values(x * y, {4, 5, 8, 10, 12, 15});
  Tensors g = slopes(multiply, x, y);
  CHECK(g[0].shape() == Shape{3, 1});
  check_values(g[0], {9, 9, 9});
  check_values(g[1], {6, 6});
  CHECK((Tensor::empty({0, 3}) + Tensor::empty({3})).shape() == Shape{0, 3});
  CHECK((Tensor::empty({2, 0}) + 1).shape() == Shape{2, 0});
  CHECK_THROWS_AS(Tensor::empty({3}) + Tensor::empty({2}), ShapeError);
  CHECK_THROWS_WITH(Tensor::empty({3}) * Tensor::empty({2}),
                    Catch::Contains("multiply") && Catch::Contains("[3] and [2]"));
  CHECK_THROWS_AS(add(Tensor(), 1), StateError);
}

TEST_CASE("where takes no gradient from the other side", "[select]") {
  Tensor condition = Tensor::from(std::vector<int32_t>{1, 0, 2}, {3}) != 0;
  Tensors g = slopes([&](const Tensor& x, const Tensor& y) { return where(condition, x, y); },
                     vector_of({1.0, not_a_number, 3.0}), vector_of({4.0}));
  check_values(g[0], {1, 0, 1});
  check_values(g[1], {1});
  check_values(where(condition, vector_of({1.0, not_a_number, 3.0}), 0), {1, 0, 3});
}

TEST_CASE("results do not depend on the number of threads", "[binary][threads]") {
  std::vector<float> values(100003);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  Tensor x = floats_of(values);
  int before = num_threads();
  std::vector<std::vector<float>> results;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    results.push_back(exp(x * 1.5f + sum(x)).to_vector<float>());
  }
  set_num_threads(before);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}
