#include <weft/autograd/ops/gather.hpp>

#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>
#include <weft/tests/support/values.hpp>

using namespace weft;
using namespace weft::test;
using Catch::Contains;

TEST_CASE("take gathers along an axis") {
  Tensor x = counting({3, 2});
  REQUIRE(values(take(x, ints({2, 0, -1}, {3}), 0)) == Floats{4, 5, 0, 1, 4, 5});
  REQUIRE(values(take(x, ints({1}, {1, 1}), 1)) == Floats{1, 3, 5});
  REQUIRE(take(x, ints({1}, {1, 1}), 1).shape() == Shape{3, 1, 1});
  REQUIRE(take(x, Tensor(1), 0).shape() == Shape{2});
  REQUIRE(values(take(x, ints({5, -6, 3}, {3}))) == Floats{5, 0, 3});
  REQUIRE(take(x, Tensor::from(std::vector<int64_t>{}, {0}), 0).shape() == Shape{0, 2});
  REQUIRE(take(zeros({0, 2}), ints({}, {0}), 0).shape() == Shape{0, 2});
}

TEST_CASE("take's modes treat indices out of range") {
  Tensor x = counting({3}), indices = ints({-4, -1, 0, 3, 7}, {5});
  Floats filled = values(take(x, indices, 0, OutOfRange::fill, 9));
  REQUIRE(filled == Floats{9, 2, 0, 9, 9});
  REQUIRE(std::isnan(values(take(x, indices, 0, OutOfRange::fill))[0]));
  REQUIRE(values(take(x, indices, 0, OutOfRange::clip)) == Floats{0, 0, 0, 2, 2});
  REQUIRE(values(take(x, indices, 0, OutOfRange::wrap)) == Floats{2, 2, 0, 0, 1});
  REQUIRE_THROWS_WITH(take(x, indices, 0), "take: index -4 out of range for an axis of 3");
  Tensor g = grad([&](const Tensor& y) { return sum(take(y, indices, 0, OutOfRange::fill, 9) * counting({5})); }, x);
  REQUIRE(values(g) == Floats{2, 0, 1});
  g = grad([&](const Tensor& y) { return sum(take(y, indices, 0, OutOfRange::wrap) * counting({5})); }, x);
  REQUIRE(values(g) == Floats{2 + 3, 4, 0 + 1});
}

TEST_CASE("indices out of range are errors that name op, index and extent") {
  Tensor x = counting({3, 2});
  REQUIRE_THROWS_AS(take(x, ints({3}, {1}), 0), IndexError);
  REQUIRE_THROWS_WITH(embedding(x, ints({0, 7}, {2})), "embedding: index 7 out of range for an axis of 3");
  REQUIRE_THROWS_WITH(gather(x, {ints({0}, {1}), ints({2}, {1})}), "gather: index 2 out of range for an axis of 2");
  REQUIRE_THROWS_WITH(take_along_axis(x, ints({0, -4}, {1, 2}), 0), Contains("index -4") && Contains("axis of 3"));
  REQUIRE_THROWS_AS(take(zeros({0}), ints({0}, {1}), 0), IndexError);
  REQUIRE_THROWS_AS(take(zeros({0}), ints({0}, {1}), 0, OutOfRange::clip), IndexError);
  REQUIRE_THROWS_AS(take(x, Tensor(1.0f), 0), DTypeError);
  REQUIRE_THROWS_AS(embedding(counting({3}), ints({0}, {1})), ShapeError);
  REQUIRE_THROWS_AS(embedding(x.to("reference"), ints({9}, {1}).to("reference")), IndexError);
}

TEST_CASE("take_along_axis and its broadcasting") {
  Tensor x = counting({2, 3});
  REQUIRE(values(take_along_axis(x, ints({2, 0, 1, 1}, {2, 2}), 1)) == Floats{2, 0, 4, 4});
  REQUIRE(values(take_along_axis(x, ints({-1}, {1, 1}), 1)) == Floats{2, 5});
  REQUIRE(values(take_along_axis(x, ints({1, 0, 1}, {1, 3}), -2)) == Floats{3, 1, 5});
  REQUIRE_THROWS_AS(take_along_axis(x, ints({0, 0, 0}, {3}), 1), ShapeError);
  REQUIRE_THROWS_AS(take_along_axis(x, ints({0, 0, 0}, {3, 1}), 1), ShapeError);
  Tensor g = grad(
      [](const Tensor& y) {
        return sum(take_along_axis(y, ints({2, 0, 0}, {1, 3}), 1) * counting({2, 3}));
      },
      x);
  REQUIRE(values(g) == Floats{1 + 2, 0, 0, 4 + 5, 0, 3});
}

TEST_CASE("gather takes several index tensors") {
  Tensor x = counting({3, 4, 2});
  Tensor rows = ints({0, 2, -1}, {3}), columns = ints({1, -4, 3}, {3});
  REQUIRE(values(gather(x, {rows, columns})) == Floats{2, 3, 16, 17, 22, 23});
  REQUIRE(gather(x, {rows}, 1).shape() == Shape{3, 3, 2});
  REQUIRE(gather(x, {rows}, 1)[{1, 2, 0}].item() == 14);
  REQUIRE(gather(x, {reshape(rows, {3, 1}), columns}).shape() == Shape{3, 3, 2});
  REQUIRE(values(gather_nd(x, ints({0, 1, 2, -1}, {2, 2}))) == Floats{2, 3, 22, 23});
  REQUIRE(gather_nd(x, ints({2, 3, 1}, {3})).item() == 23);
  REQUIRE_THROWS_AS(gather(x, {}), ShapeError);
  REQUIRE_THROWS_AS(gather(x, {rows, rows}, 2), ShapeError);
  REQUIRE_THROWS_AS(gather_nd(x, ints({0, 0, 0, 0}, {4})), ShapeError);
}

TEST_CASE("embedding's gradient adds up repeated rows, the same at any number of threads") {
  Tensor table = counting({5, 3}), ids = ints({1, 4, 1, -1}, {2, 2});
  REQUIRE(embedding(table, ids).shape() == Shape{2, 2, 3});
  Tensor g = grad([&](const Tensor& t) { return sum(embedding(t, ids) * counting({2, 2, 3})); }, table);
  REQUIRE(values(g) == Floats{0, 0, 0, 0 + 6, 1 + 7, 2 + 8, 0, 0, 0, 0, 0, 0, 3 + 9, 4 + 10, 5 + 11});
}

TEST_CASE("one_hot marks classes and skips what is none") {
  Tensor hot = one_hot(ints({0, 2, -1, 3}, {4}), 3);
  REQUIRE(values(hot) == Floats{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  REQUIRE(values(one_hot(ints({1, 0}, {2}), 2, DType::float32, 0)) == Floats{0, 1, 1, 0});
  REQUIRE(one_hot(Tensor(1), 3, DType::boolean).to_vector<bool>() == std::vector<bool>{false, true, false});
  REQUIRE_THROWS_AS(one_hot(Tensor(1.0f), 3), DTypeError);
  REQUIRE_THROWS_AS(one_hot(Tensor(1), -3), ValueError);
}
