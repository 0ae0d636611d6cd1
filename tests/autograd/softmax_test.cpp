#include <weft/autograd/ops/softmax.hpp>

#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

#include "elementwise_helpers.hpp"

using namespace weft;
using namespace weft::test;

TEST_CASE("softmax of large and infinite logits", "[softmax]") {
  check_values(softmax(vector_of({1e4, 1e4, -1e4})), {0.5, 0.5, 0});
  check_values(softmax(vector_of({0.0, -infinity, 0.0})), {0.5, 0, 0.5});
  check_values(log_softmax(vector_of({1e4, 1e4, -1e4})), {-std::log(2.0), -std::log(2.0), -2e4 - std::log(2.0)});
  check_values(softmax(vector_of({-infinity, -infinity})), {not_a_number, not_a_number});
  check_values(softmax(vector_of({not_a_number, 0.0})), {not_a_number, not_a_number});
  check_values(softmax(floats_of({100, 0, -100})), {1, 3.7835e-44, 0}, 1e-6);
}

TEST_CASE("softmax over several axes", "[softmax]") {
  Tensor x = Tensor::from(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}, {2, 2, 2});
  Tensor y = softmax(x, {0, 2});
  check_values(sum(y, {0, 2}), {1, 1});
  check_values(exp(log_softmax(x, {0, 2})), y.to_vector<double>());
  check_values(softmax(x, {}), softmax(Tensor::from(x.to_vector<double>(), {8})).to_vector<double>());
}

TEST_CASE("a mask leaves elements out, and whole rows", "[softmax]") {
  Tensor x = Tensor::from(std::vector<double>{1, 2, not_a_number, 4, 5, 6}, {2, 3});
  Tensor mask = Tensor::from(std::vector<int32_t>{1, 1, 0, 0, 0, 0}, {2, 3}) != 0;
  double p = 1 / (1 + std::exp(1.0));
  check_values(softmax(x, -1, mask), {p, 1 - p, 0, 0, 0, 0});
  auto weighted = [&](const Tensor& t) {
    return softmax(t, -1, mask) * Tensor::from(std::vector<double>{1, 2, 3}, {3});
  };
  double g = p * (1 - p);
  check_values(slope(weighted, x), {-g, g, 0, 0, 0, 0});
  check_values(log_softmax(x, -1, mask), {std::log(p), std::log(1 - p), -infinity, -infinity, -infinity, -infinity});
}

TEST_CASE("softmax of empty tensors, integers and wrong axes", "[softmax]") {
  CHECK(softmax(Tensor::empty({0, 3})).shape() == Shape{0, 3});
  CHECK(softmax(Tensor::empty({3, 0})).shape() == Shape{3, 0});
  CHECK(softmax(Tensor::from(std::vector<int32_t>{1, 1}, {2})).dtype() == float32);
  CHECK_THROWS_AS(softmax(Tensor::empty({3}), 1), ShapeError);
  CHECK_THROWS_AS(softmax(Tensor(1.0)), ShapeError);
}

TEST_CASE("long columns, which are worked on in strips, give what rows give", "[softmax]") {
  Tensor x = spread({2, 331, 97}, -4, 4), rows = copy(swapaxes(x, 1, 2));
  auto columns_of = [](const Tensor& y) { return copy(swapaxes(y, 1, 2)).to_vector<double>(); };
  check_values(softmax(x, 1), columns_of(softmax(rows)));
  check_values(log_softmax(x, 1), columns_of(log_softmax(rows)));
  check_values(logsumexp(x, 1), logsumexp(rows, -1).to_vector<double>());
  Tensor weights = spread({2, 331, 97}, -1, 1, 1), row_weights = copy(swapaxes(weights, 1, 2));
  check_values(slope([&](const Tensor& t) { return softmax(t, 1) * weights; }, x),
               columns_of(slope([&](const Tensor& t) { return softmax(t, -1) * row_weights; }, rows)));
}
