#include <weft/autograd/ops/slice.hpp>

#include <algorithm>
#include <limits>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/core/error.hpp>
#include <weft/tests/support/values.hpp>

using namespace weft;
using namespace weft::test;
using Catch::Contains;

TEST_CASE("slices are Python's") {
  // Every start, stop and step on an axis of 5 against the definition.
  constexpr int64_t extent = 5;
  Tensor x = counting({extent});
  auto ends = [] {
    std::vector<std::optional<int64_t>> list{std::nullopt};
    for (int64_t end = -8; end <= 8; ++end) list.emplace_back(end);
    return list;
  }();
  for (auto start : ends)
    for (auto stop : ends)
      for (int64_t step : std::initializer_list<int64_t>{std::numeric_limits<int64_t>::lowest(), -7, -3, -2, -1, 1, 2,
                                                         3, 7, std::numeric_limits<int64_t>::max()}) {
        auto place = [&](std::optional<int64_t> end, int64_t otherwise) {
          if (!end) return otherwise;
          int64_t at = *end < 0 ? *end + extent : *end;
          return step > 0 ? std::clamp<int64_t>(at, 0, extent) : std::clamp<int64_t>(at, -1, extent - 1);
        };
        Floats expected;
        int64_t last = place(stop, step > 0 ? extent : -1);
        // A step beyond the axis is as good as one that just leaves it.
        int64_t stride = std::clamp<int64_t>(step, -2 * extent, 2 * extent);
        for (int64_t i = place(start, step > 0 ? 0 : extent - 1); step > 0 ? i < last : i > last; i += stride)
          expected.push_back(static_cast<float>(i));
        REQUIRE(values(x[{slice(start, stop, step)}]) == expected);
      }
}

TEST_CASE("integers, newaxis and ellipsis shape the result") {
  Tensor x = counting({5, 6, 4});
  REQUIRE(x[2].shape() == Shape{6, 4});
  REQUIRE(x[{-1, 5, 3}].item() == 119);
  REQUIRE(x[{2, slice(), -1}].shape() == Shape{6});
  REQUIRE(values(x[{2, slice(), -1}]) == Floats{51, 55, 59, 63, 67, 71});
  REQUIRE(x[{ellipsis, 1}].shape() == Shape{5, 6});
  REQUIRE(x[{newaxis, slice(), 0, newaxis}].shape() == Shape{1, 5, 1, 4});
  REQUIRE(x[{0, ellipsis, slice(1, 3)}].shape() == Shape{6, 2});
  REQUIRE(x[{slice(), slice(), slice(), ellipsis}].shape() == x.shape());
  REQUIRE(x[{slice({}, {}, -1), slice(4, 0, -2)}].shape() == Shape{5, 2, 4});
  REQUIRE(x[{newaxis}].shape() == Shape{1, 5, 6, 4});
  REQUIRE(x[{slice(3, 3)}].shape() == Shape{0, 6, 4});
  REQUIRE(Tensor(2.0f)[{ellipsis}].rank() == 0);
  REQUIRE(Tensor(2.0f)[{newaxis}].shape() == Shape{1});
  REQUIRE(x[{ellipsis, 1}].storage() == x.storage());
}

TEST_CASE("bad indices name index, axis and shape") {
  Tensor x = counting({5, 6});
  REQUIRE_THROWS_AS(x[5], IndexError);
  REQUIRE_THROWS_WITH((x[{0, -7}]), Contains("-7 out of range for axis 1 of [5, 6]"));
  REQUIRE_THROWS_WITH((x[{0, 0, 0}]), Contains("at most 2 items for [5, 6], got 3"));
  REQUIRE_THROWS_AS((x[{ellipsis, ellipsis}]), ValueError);
  REQUIRE_THROWS_AS((x[{slice({}, {}, 0)}]), ValueError);
  REQUIRE_THROWS_AS(Tensor(1.0f)[0], IndexError);
  REQUIRE_THROWS_AS(zeros({0})[0], IndexError);
}

TEST_CASE("gradients flow through indexing") {
  Tensor x = counting({3, 4});
  Tensor g = grad([](const Tensor& y) { return sum(y[{slice({}, {}, -2), slice(3, 0, -2)}] * counting({2, 2})); }, x);
  REQUIRE(values(g) == Floats{0, 3, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0});
  g = grad([](const Tensor& y) { return y[{1, 2}] * y[{1, -1}] + sum(y[{slice(2, 2)}]); }, x);
  REQUIRE(values(g) == Floats{0, 0, 0, 0, 0, 0, 7, 6, 0, 0, 0, 0});
}

TEST_CASE("slice_update and slice_add leave their input alone") {
  Tensor x = counting({3, 3}), u = Tensor::from(Floats{10, 20, 30}, {3});
  REQUIRE(values(slice_update(x, u, {slice(), 1})) == Floats{0, 10, 2, 3, 20, 5, 6, 30, 8});
  REQUIRE(values(slice_update(x, Tensor(-1), {0})) == Floats{-1, -1, -1, 3, 4, 5, 6, 7, 8});
  REQUIRE(values(slice_update(x, u, {slice({}, {}, -2)})) == Floats{10, 20, 30, 3, 4, 5, 10, 20, 30});
  REQUIRE(values(slice_add(x, u, {1, slice({}, {}, -1)})) == Floats{0, 1, 2, 33, 24, 15, 6, 7, 8});
  REQUIRE(values(x) == values(counting({3, 3})));
  REQUIRE_THROWS_AS(slice_update(x, counting({2}), {0}), ShapeError);
  REQUIRE_THROWS_AS(slice_update(x, u, {3}), IndexError);
  Tensors gradients = grad(
      [](const Tensors& in) {
        return sum(slice_update(in[0], in[1], {slice(), 1}) * counting({3, 3}));
      },
      {x, u});
  REQUIRE(values(gradients[0]) == Floats{0, 0, 2, 3, 0, 5, 6, 0, 8});
  REQUIRE(values(gradients[1]) == Floats{1, 4, 7});
}

TEST_CASE("a tensor on a tape refuses to be written into") {
  auto write = [](const Tensor& y) {
    Tensor(y)[{0}] = Tensor(1.0f);
    return sum(y);
  };
  REQUIRE_THROWS_AS(grad(write, counting({3})), StateError);
}
