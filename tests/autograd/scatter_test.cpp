#include <weft/autograd/ops/scatter.hpp>

#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/values.hpp>

using namespace weft;
using namespace weft::test;
using Catch::Contains;

TEST_CASE("scatter adds, sets and maximises") {
  Tensor x = ones({3, 2}), rows = ints({2, 0, -1}, {3}), updates = counting({3, 2});
  REQUIRE(values(scatter_add(x, rows, updates)) == Floats{3, 4, 1, 1, 5, 7});
  REQUIRE(values(scatter_set(x, rows, updates)) == Floats{2, 3, 1, 1, 4, 5});
  REQUIRE(values(scatter_max(x, rows, updates)) == Floats{2, 3, 1, 1, 4, 5});
  REQUIRE(values(scatter_max(x, rows, updates * -1)) == Floats{1, 1, 1, 1, 1, 1});
  REQUIRE(values(scatter_add(x, ints({1}, {1}), Tensor(5.0f), 1)) == Floats{1, 6, 1, 6, 1, 6});
  REQUIRE(values(scatter_add(x, {ints({0, 2, 0}, {3}), ints({1, 0, 1}, {3})}, counting({3}))) ==
          Floats{1, 3, 1, 1, 2, 1});
  REQUIRE(values(scatter_set(x, {ints({0, -1}, {2}), ints({1, 0}, {2})}, Tensor(7.0f))) == Floats{1, 7, 1, 1, 7, 1});
  REQUIRE(values(scatter_add(x, ints({5, 1}, {2}), ones({2, 2}), 0, OutOfRange::fill)) == Floats{1, 1, 2, 2, 1, 1});
  REQUIRE(values(x) == Floats(6, 1));
  REQUIRE_THROWS_WITH(scatter_add(x, ints({3}, {1}), ones({1, 2})),
                      "scatter_add: index 3 out of range for an axis of 3");
  REQUIRE_THROWS_AS(scatter_set(x, rows, ones({2, 2})), ShapeError);
  REQUIRE_THROWS_AS(scatter_max(x, std::vector<Tensor>{}, updates), ShapeError);
  float nan = std::nanf("");
  REQUIRE(std::isnan(values(scatter_max(zeros({1}), ints({0, 0}, {2}), Tensor::from(Floats{nan, 1}, {2})))[0]));
}

TEST_CASE("of several updates set in one place, the last stays and has the gradient") {
  Tensor x = zeros({2}), updates = counting({4}), places = ints({1, 0, 1, 1}, {4});
  REQUIRE(values(scatter_set(x, places, updates)) == Floats{1, 3});
  Tensors g = grad([&](const Tensors& in) { return sum(scatter_set(in[0], places, in[1]) * (counting({2}) + 1)); },
                   {x, updates});
  REQUIRE(values(g[0]) == Floats{0, 0});
  REQUIRE(values(g[1]) == Floats{0, 1, 0, 2});
}

TEST_CASE("tied maxima share the gradient") {
  Tensor x = Tensor::from(Floats{3, 0}, {2}), updates = Tensor::from(Floats{3, 1, 3, 2}, {4});
  Tensor places = ints({0, 1, 0, 0}, {4});
  Tensors g = grad(
      [&](const Tensors& in) {
        return sum(scatter_max(in[0], places, in[1]) * Tensor::from(Floats{6, 5}, {2}));
      },
      {x, updates});
  REQUIRE(values(g[0]) == Floats{2, 0});
  REQUIRE(values(g[1]) == Floats{2, 5, 2, 0});
}

TEST_CASE("along an axis") {
  Tensor x = zeros({2, 3}), where = ints({0, 0, 2, 1}, {2, 2}), updates = counting({2, 2}) + 1;
  REQUIRE(values(add_along_axis(x, where, updates, 1)) == Floats{3, 0, 0, 0, 4, 3});
  REQUIRE(values(put_along_axis(x, where, updates, 1)) == Floats{2, 0, 0, 0, 4, 3});
  REQUIRE(values(put_along_axis(x, ints({1}, {1, 1}), Tensor(9.0f), 0)) == Floats{0, 0, 0, 9, 9, 9});
  REQUIRE_THROWS_AS(put_along_axis(x, ints({3}, {1, 1}), Tensor(9.0f), 1), IndexError);
}

TEST_CASE("segments are summed and maximised") {
  Tensor data = counting({4, 2}), ids = ints({2, 0, 2, 0}, {4});
  REQUIRE(values(segment_sum(data, ids, 3)) == Floats{8, 10, 0, 0, 4, 6});
  Floats largest = values(segment_max(data, ids, 3));
  REQUIRE(largest[0] == 6);
  REQUIRE(largest[2] == -std::numeric_limits<float>::infinity());
  REQUIRE(segment_max(arange(3), ints({0, 0, 2}, {3}), 3).to_vector<int32_t>()[1] ==
          std::numeric_limits<int32_t>::lowest());
  REQUIRE_THROWS_AS(segment_sum(data, ints({0, -1, 0, 0}, {4}), 3), IndexError);
  REQUIRE_THROWS_AS(segment_sum(data, ints({0, 0}, {2}), 3), ShapeError);
}

TEST_CASE("scattered sums have the same bits at any number of threads", "[threads]") {
  int before = num_threads();
  Tensor updates = normal({997, 131}, {1, 2, 3}), rows = randint({997}, {4, 5, 6}, 0, 7);
  Floats sums[3];
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    sums[threads / 2] = values(segment_sum(updates, rows, 7));
  }
  set_num_threads(before);
  REQUIRE(sums[0] == sums[1]);
  REQUIRE(sums[0] == sums[2]);
}
