#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <weft/core/error.hpp>
#include <weft/training/metrics.hpp>

using namespace weft;

namespace {

Tensor booleans(const std::vector<int>& values, const Shape& shape) {
  Tensor tensor = Tensor::empty(shape, DType::boolean, Device());
  for (size_t i = 0; i < values.size(); ++i) tensor.mutable_data<bool>()[i] = values[i] != 0;
  return tensor;
}

}  // namespace

TEST_CASE("Average weighs values and leaves masked ones out") {
  Average average;
  CHECK(std::isnan(average.compute()));
  average.update(2.0);
  average.update(5.0, 2);
  CHECK(average.compute() == 4);
  average.update(Tensor::from(std::vector<float>{1, 3, 100, 6}, {2, 2}), booleans({1, 1, 0, 1}, {2, 2}));
  CHECK(average.weight() == 6);
  CHECK(average.compute() == Approx(22.0 / 6));
  average.update(Tensor::from(std::vector<float>{}, {0}));
  CHECK(average.weight() == 6);
  average.reset();
  CHECK(std::isnan(average.compute()));
  CHECK_THROWS_AS(average.update(Tensor(1.0f), booleans({1}, {1})), ShapeError);
  CHECK_THROWS_AS(average.update(Tensor(1.0f), Tensor(1.0f)), DTypeError);
}

TEST_CASE("Accuracy counts the label's position of the largest logit") {
  float nan = std::numeric_limits<float>::quiet_NaN();
  Tensor logits =
      Tensor::from(std::vector<float>{1, 2, 0, /**/ 5, 5, 1, /**/ 0, nan, 9, /**/ -3, -2, -1, /**/ 0, 0, 1}, {5, 3});
  Tensor labels = Tensor::from(std::vector<int32_t>{1, 0, 2, 0, 7}, {5});
  Accuracy accuracy;
  accuracy.update(logits, labels, booleans({1, 1, 1, 1, 0}, {5}));
  CHECK(accuracy.hits() == 2);  // a tie goes to the first, NaN misses
  CHECK(accuracy.total() == 4);
  CHECK(accuracy.compute() == 0.5);
  CHECK_THROWS_WITH(accuracy.update(logits, labels), "Accuracy: expected labels in [0, 3), got 7");
  CHECK_THROWS_AS(accuracy.update(logits, Tensor::from(std::vector<int32_t>{1, 0}, {2})), ShapeError);
  CHECK_THROWS_AS(accuracy.update(logits, Tensor::from(std::vector<float>{1, 0, 2, 0, 0}, {5})), DTypeError);

  accuracy.reset();
  Tensor grid = Tensor::from(std::vector<double>{0, 1, 1, 0, 3, 2, 2, 3}, {2, 2, 2});
  accuracy.update(grid, Tensor::from(std::vector<int64_t>{1, 0, 1, 1}, {2, 2}));
  CHECK(accuracy.compute() == 0.75);
  accuracy.update(true);
  CHECK(accuracy.compute() == 0.8);
}

TEST_CASE("Welford gives mean and spread") {
  Welford welford;
  CHECK(std::isnan(welford.compute()));
  // Values far from zero, where summing squares would lose everything.
  for (double value : {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) welford.update(value);
  CHECK(welford.compute() == 1e9 + 10);
  CHECK(welford.deviation() == Approx(std::sqrt(22.5)).epsilon(1e-9));
  CHECK(welford.error_of_mean() == Approx(std::sqrt(22.5) / 2).epsilon(1e-9));
  welford.reset();
  welford.update(Tensor::from(std::vector<int32_t>{1, 2, 9}, {3}), booleans({1, 1, 0}, {3}));
  CHECK(welford.compute() == 1.5);
  CHECK(welford.count() == 2);
}

TEST_CASE("MultiMetric keeps metrics by name") {
  MultiMetric metrics;
  metrics.average("loss").update(3.0);
  metrics.accuracy("accuracy").update(true);
  metrics.average("loss").update(5.0);
  for (int i = 0; i < 100; ++i) metrics.welford("w" + std::to_string(i)).update(i);
  auto values = metrics.compute();
  REQUIRE(values.size() == 102);
  CHECK(values[0] == std::pair<std::string, double>{"loss", 4});
  CHECK(values[1] == std::pair<std::string, double>{"accuracy", 1});
  CHECK_THROWS_AS(metrics.accuracy("loss"), ValueError);
  metrics.reset();
  CHECK(std::isnan(metrics.compute()[0].second));
}
