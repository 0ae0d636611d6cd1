#include <weft/autograd/ops/sort.hpp>

#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/core/error.hpp>
#include <weft/tests/support/values.hpp>

using namespace weft;
using namespace weft::test;
using Places = std::vector<int32_t>;

namespace {
Places places(const Tensor& x) { return x.to_vector<int32_t>(); }
const float not_a_number = std::nanf("");
}  // namespace

TEST_CASE("sorting is stable, either way") {
  Tensor x = Tensor::from(Floats{2, 1, 2, 0, 1}, {5});
  REQUIRE(values(sort(x)) == Floats{0, 1, 1, 2, 2});
  REQUIRE(places(argsort(x)) == Places{3, 1, 4, 0, 2});
  REQUIRE(values(sort(x, 0, true)) == Floats{2, 2, 1, 1, 0});
  REQUIRE(places(argsort(x, 0, true)) == Places{0, 2, 1, 4, 3});
  Tensor m = Tensor::from(Floats{3, 1, 2, 5, 0, 4}, {3, 2});
  REQUIRE(values(sort(m, 0)) == Floats{0, 1, 2, 4, 3, 5});
  REQUIRE(sort(zeros({0})).shape() == Shape{0});
  REQUIRE(sort(Tensor::from(std::vector<int64_t>{5, -5, 0}, {3})).to_vector<int64_t>() ==
          std::vector<int64_t>{-5, 0, 5});
  REQUIRE_THROWS_AS(sort(Tensor(1.0f)), ShapeError);
}

TEST_CASE("NaN comes last, either way") {
  Tensor x = Tensor::from(Floats{not_a_number, 1, -INFINITY, not_a_number, INFINITY}, {5});
  REQUIRE(places(argsort(x)) == Places{2, 1, 4, 0, 3});
  REQUIRE(places(argsort(x, 0, true)) == Places{4, 1, 2, 0, 3});
}

TEST_CASE("a sort's gradient goes back to where the elements came from") {
  Tensor x = Tensor::from(Floats{2, 0, 1}, {3}), weights = Tensor::from(Floats{10, 20, 30}, {3});
  REQUIRE(values(grad([&](const Tensor& y) { return sum(sort(y) * weights); }, x)) == Floats{30, 10, 20});
  REQUIRE(values(grad([&](const Tensor& y) { return sum(top_k(y, 2).values); }, x)) == Floats{1, 0, 1});
  REQUIRE(values(grad([](const Tensor& y) { return median(y); }, x)) == Floats{0, 0, 1});
}

TEST_CASE("top_k gives the largest first") {
  Tensor x = Tensor::from(Floats{1, 3, 2, 3, 5, 5, 0, -1}, {2, 4});
  TopK top = top_k(x, 2);
  REQUIRE(values(top.values) == Floats{3, 3, 5, 5});
  REQUIRE(places(top.indices) == Places{1, 3, 0, 1});
  REQUIRE(top_k(x, 0).values.shape() == Shape{2, 0});
  REQUIRE_THROWS_AS(top_k(x, 5), ValueError);
  REQUIRE_THROWS_AS(top_k(x, -1), ValueError);
}

TEST_CASE("medians") {
  REQUIRE(median(Tensor::from(Floats{5, 1, 3}, {3})).item() == 3);
  Tensor x = Tensor::from(Floats{4, 1, 3, 2, 8, 6, 5, 7}, {2, 4});
  REQUIRE(values(median(x, 1)) == Floats{2.5f, 6.5f});
  REQUIRE(median(x, -1, true).shape() == Shape{2, 1});
  REQUIRE(median(arange(4)).item() == 1.5);
  REQUIRE(std::isnan(median(Tensor::from(Floats{not_a_number, 1, 3}, {3})).item()));
  REQUIRE_THROWS_AS(median(zeros({0})), ShapeError);
}

TEST_CASE("searchsorted finds the first or the last fitting place") {
  Tensor sorted = Tensor::from(Floats{1, 2, 2, 4}, {4}), wanted = Tensor::from(Floats{0, 2, 3, 9, not_a_number}, {5});
  REQUIRE(places(searchsorted(sorted, wanted)) == Places{0, 1, 3, 4, 4});
  REQUIRE(places(searchsorted(sorted, wanted, true)) == Places{0, 3, 3, 4, 4});
  REQUIRE(searchsorted(arange(5), Tensor(2.5f)).item() == 3);
  REQUIRE_THROWS_AS(searchsorted(zeros({2, 2}), wanted), ShapeError);
}
