#include <weft/autograd/ops/layout.hpp>

#include <limits>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/repeat.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/triangle.hpp>
#include <weft/core/error.hpp>
#include <weft/tests/support/values.hpp>

using namespace weft;
using namespace weft::test;
using Catch::Contains;

TEST_CASE("tensors can be created") {
  REQUIRE(values(full({2, 2}, 1.5)) == Floats(4, 1.5f));
  REQUIRE(zeros({3}, DType::int64).to_vector<int64_t>() == std::vector<int64_t>(3, 0));
  REQUIRE(ones({2}, DType::boolean).to_vector<bool>() == std::vector<bool>{true, true});
  REQUIRE(arange(4).to_vector<int32_t>() == std::vector<int32_t>{0, 1, 2, 3});
  REQUIRE(values(arange(1, -0.1, -0.5, DType::float32)) == Floats{1, 0.5f, 0});
  REQUIRE(arange(3, 3).elements() == 0);
  REQUIRE(arange(2, 10, 3).to_vector<int32_t>() == std::vector<int32_t>{2, 5, 8});
  REQUIRE(values(linspace(0, 1, 5)) == Floats{0, 0.25f, 0.5f, 0.75f, 1});
  REQUIRE(values(linspace(0, 1, 4, DType::float32, false)) == Floats{0, 0.25f, 0.5f, 0.75f});
  REQUIRE(values(linspace(3, 9, 1)) == Floats{3});
  REQUIRE(values(eye(2, 3, 1)) == Floats{0, 1, 0, 0, 0, 1});
  REQUIRE(values(ones_like(counting({2}))) == Floats{1, 1});
  REQUIRE(full_like(counting({2}), 3, DType::int32).to_vector<int32_t>() == std::vector<int32_t>{3, 3});
  REQUIRE(zeros_like(Tensor::meta({2, 3})).is_meta());
  REQUIRE(zeros({2}, DType::float32, "reference").device() == Device("reference"));
  REQUIRE_THROWS_AS(arange(0, 5, 0), ValueError);
  REQUIRE_THROWS_AS(arange(0, 1e300), ValueError);
  REQUIRE_THROWS_AS(arange(0, 5, 0.5), ValueError);
  REQUIRE_THROWS_AS(linspace(0, 1, -1), ValueError);
  REQUIRE_THROWS_AS(zeros({-1}), ShapeError);
}

TEST_CASE("reshape views where strides allow it") {
  Tensor x = counting({2, 3, 4});
  REQUIRE(reshape(x, {6, 4}).storage() == x.storage());
  REQUIRE(reshape(x, {-1, 2}).shape() == Shape{12, 2});
  Tensor turned = transpose(x, {1, 0, 2});
  REQUIRE(reshape(turned, {3, 2, 2, 2}).storage() == x.storage());
  REQUIRE(values(reshape(turned, {3, 2, 2, 2})) == values(turned));
  REQUIRE(reshape(turned, {1, 3, 1, 2, 4, 1}).storage() == x.storage());
  REQUIRE(reshape(turned, {6, 4}).storage() != x.storage());
  REQUIRE(values(reshape(turned, {6, 4})) == values(turned));
  REQUIRE(values(reshape(x[{slice({}, {}, -1)}], {2, 12})) == values(x[{slice({}, {}, -1)}]));
  REQUIRE(reshape(zeros({0, 3}), {5, 0}).shape() == Shape{5, 0});
  REQUIRE(reshape(Tensor(1.0f), {1, 1}).shape() == Shape{1, 1});
  REQUIRE_THROWS_WITH(reshape(x, {5, 5}), Contains("24 elements of [2, 3, 4]") && Contains("[5, 5]"));
  REQUIRE_THROWS_AS(reshape(x, {-1, -1}), ShapeError);
  REQUIRE_THROWS_AS(reshape(x, {-1, 5}), ShapeError);
  REQUIRE_THROWS_AS(reshape(zeros({0, 3}), {-1, 0}), ShapeError);
  REQUIRE_THROWS_AS(reshape(x, {-2, 12}), ShapeError);
  REQUIRE_THROWS_AS(reshape(x, {-1, int64_t{1} << 40, int64_t{1} << 40}), ShapeError);
}

TEST_CASE("axes can be moved, added and taken away") {
  Tensor x = counting({2, 3, 4});
  REQUIRE(transpose(x).shape() == Shape{4, 3, 2});
  REQUIRE(transpose(x, {-1, 0, 1}).shape() == Shape{4, 2, 3});
  REQUIRE(transpose(x, {-1, 0, 1})[{3, 1, 2}].item() == x[{1, 2, 3}].item());
  REQUIRE(swapaxes(x, 0, -1).shape() == Shape{4, 3, 2});
  REQUIRE(moveaxis(x, 0, 2).shape() == Shape{3, 4, 2});
  REQUIRE(moveaxis(x, Shape{0, 1}, Shape{-1, 0}).shape() == Shape{3, 4, 2});
  REQUIRE(expand_dims(x, 0).shape() == Shape{1, 2, 3, 4});
  REQUIRE(expand_dims(x, -1).shape() == Shape{2, 3, 4, 1});
  REQUIRE(expand_dims(x, Shape{0, 2}).shape() == Shape{1, 2, 1, 3, 4});
  REQUIRE(squeeze(counting({2, 1, 4, 1})).shape() == Shape{2, 4});
  REQUIRE(squeeze(counting({2, 1, 4, 1}), -1).shape() == Shape{2, 1, 4});
  REQUIRE(flatten(x, 1).shape() == Shape{2, 12});
  REQUIRE(flatten(x, 0, -2).shape() == Shape{6, 4});
  REQUIRE(ravel(Tensor(2.0f)).shape() == Shape{1});
  REQUIRE_THROWS_AS(transpose(x, {0, 1}), ShapeError);
  REQUIRE_THROWS_AS(transpose(x, {0, 1, 1}), ShapeError);
  REQUIRE_THROWS_AS(squeeze(x, 0), ShapeError);
  REQUIRE_THROWS_AS(swapaxes(x, 0, 3), ShapeError);
  REQUIRE_THROWS_AS(moveaxis(x, Shape{0, 0}, Shape{1, 2}), ShapeError);
  REQUIRE_THROWS_AS(expand_dims(x, 4), ShapeError);
}

TEST_CASE("broadcast_to repeats without memory") {
  Tensor x = counting({3, 1}), wide = broadcast_to(x, {2, 3, 4});
  REQUIRE(wide.strides() == Strides{0, 1, 0});
  REQUIRE(wide.storage() == x.storage());
  REQUIRE(values(wide[1]) == Floats{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2});
  REQUIRE_THROWS_WITH(broadcast_to(x, {2, 4}), Contains("[2, 4]") && Contains("[3, 1]"));
  REQUIRE_THROWS_AS(broadcast_to(counting({2, 3}), {3}), ShapeError);
  Tensor g = grad([](const Tensor& y) { return sum(broadcast_to(y, {2, 3, 4}) * counting({2, 3, 4})); }, x);
  REQUIRE(values(g) == Floats{60, 92, 124});
}

TEST_CASE("tensors join and split") {
  Tensor a = counting({2, 2}), b = full({2, 1}, 9);
  REQUIRE(values(concatenate({a, b}, 1)) == Floats{0, 1, 9, 2, 3, 9});
  REQUIRE(values(concatenate({transpose(a), a}, -2)) == Floats{0, 2, 1, 3, 0, 1, 2, 3});
  REQUIRE(concatenate({a, zeros({1, 2}, DType::float64)}).dtype() == DType::float64);
  REQUIRE(values(stack({a[0], a[1]}, -1)) == Floats{0, 2, 1, 3});
  std::vector<Tensor> parts = split(counting({2, 6}), 3, 1);
  REQUIRE(parts.size() == 3);
  REQUIRE(values(parts[1]) == Floats{2, 3, 8, 9});
  parts = split_at(counting({7}), {2, 3, 3}, -1);
  REQUIRE(parts.size() == 4);
  REQUIRE(values(parts[0]) == Floats{0, 1});
  REQUIRE(parts[2].elements() == 0);
  REQUIRE(values(parts[3]) == Floats{3, 4, 5, 6});
  REQUIRE_THROWS_AS(concatenate({}), ValueError);
  REQUIRE_THROWS_WITH(concatenate({a, counting({3, 3})}), Contains("[2, 2] and [3, 3]"));
  REQUIRE_THROWS_AS(stack({a, b}), ShapeError);
  REQUIRE_THROWS_AS(split(counting({7}), 2), ShapeError);
}

TEST_CASE("padding follows NumPy's modes") {
  Tensor x = counting({3});
  auto padded = [&](PadMode mode) { return values(pad(x, {{4, 5}}, mode)); };
  REQUIRE(values(pad(x, {{1, 2}}, -1)) == Floats{-1, 0, 1, 2, -1, -1});
  REQUIRE(padded(PadMode::edge) == Floats{0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2});
  REQUIRE(padded(PadMode::reflect) == Floats{0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1});
  REQUIRE(padded(PadMode::symmetric) == Floats{2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1});
  REQUIRE(padded(PadMode::wrap) == Floats{2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1});
  REQUIRE(values(pad(counting({1}), {{1, 2}}, PadMode::reflect)) == Floats(4, 0));
  REQUIRE(values(pad_interior(x, {1}, {0}, {2}, 7)) == Floats{7, 0, 7, 7, 1, 7, 7, 2});
  REQUIRE(pad(x, {{0, 0}}).same_as(x));
  REQUIRE_THROWS_AS(pad(x, {{1, 1}, {1, 1}}), ShapeError);
  REQUIRE_THROWS_AS(pad(x, {{-1, 1}}), ValueError);
  REQUIRE_THROWS_AS(pad(zeros({0}), {{1, 1}}, PadMode::edge), ValueError);
  Tensor weights = counting({6});
  Tensor g = grad([&](const Tensor& y) { return sum(pad(y, {{1, 2}}, PadMode::reflect) * weights); }, x);
  REQUIRE(values(g) == Floats{1 + 5, 0 + 2 + 4, 3});
}

TEST_CASE("repeating, flipping and rolling") {
  Tensor x = counting({2, 3});
  REQUIRE(values(tile(x, {2})) == Floats{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  REQUIRE(values(tile(x, {2, 1})) == Floats{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
  REQUIRE(tile(x, {2, 3, 5}).shape() == Shape{2, 6, 15});
  REQUIRE(tile(x, {0, 1}).shape() == Shape{0, 3});
  REQUIRE(values(repeat(x, 2, 1)) == Floats{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  REQUIRE(values(repeat(x, 2, 0)) == Floats{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  REQUIRE(values(repeat(x, std::vector<int64_t>{2, 0, 1}, 1)) == Floats{0, 0, 2, 3, 3, 5});
  REQUIRE(values(flip(x)) == Floats{5, 4, 3, 2, 1, 0});
  REQUIRE(values(flip(x, 1)) == Floats{2, 1, 0, 5, 4, 3});
  REQUIRE(flip(x).storage() == x.storage());
  REQUIRE(values(roll(x, 1)) == Floats{5, 0, 1, 2, 3, 4});
  REQUIRE(values(roll(x, -1, 1)) == Floats{1, 2, 0, 4, 5, 3});
  REQUIRE(values(roll(x, Shape{1, 7}, Shape{0, 1})) == Floats{5, 3, 4, 2, 0, 1});
  REQUIRE_THROWS_AS(repeat(x, -1, 0), ValueError);
  REQUIRE_THROWS_AS(repeat(x, std::numeric_limits<int64_t>::max(), 0), ShapeError);
  REQUIRE_THROWS_AS(repeat(x, std::vector<int64_t>{1}, 1), ShapeError);
}

TEST_CASE("triangles and diagonals") {
  Tensor x = counting({3, 3});
  REQUIRE(values(tril(x)) == Floats{0, 0, 0, 3, 4, 0, 6, 7, 8});
  REQUIRE(values(triu(x, 1)) == Floats{0, 1, 2, 0, 0, 5, 0, 0, 0});
  REQUIRE(values(diag(x)) == Floats{0, 4, 8});
  REQUIRE(values(diagonal(counting({2, 3}), 1)) == Floats{1, 5});
  REQUIRE(values(diagonal(counting({2, 3}), -1)) == Floats{3});
  REQUIRE(diagonal(x, 5).elements() == 0);
  REQUIRE(diagonal(counting({2, 3, 3})).shape() == Shape{2, 3});
  REQUIRE(values(diag(counting({2}), 1)) == Floats{0, 0, 0, 0, 0, 1, 0, 0, 0});
  REQUIRE(values(diag(counting({2}) + 1, -1)) == Floats{0, 0, 0, 1, 0, 0, 0, 2, 0});
  REQUIRE(diag(zeros({0}), 2).shape() == Shape{2, 2});
  REQUIRE(trace(x).item() == 12);
  REQUIRE(values(grad([](const Tensor& y) { return trace(y, 1); }, x)) == Floats{0, 1, 0, 0, 0, 1, 0, 0, 0});
  int64_t farthest = std::numeric_limits<int64_t>::max();
  REQUIRE(values(tril(x, farthest)) == values(x));
  REQUIRE(values(triu(x, farthest)) == Floats(9, 0));
  REQUIRE(values(triu(x, -farthest - 1)) == values(x));
  REQUIRE(diagonal(x, -farthest - 1).elements() == 0);
  REQUIRE_THROWS_AS(diag(counting({2}), farthest), ShapeError);
  REQUIRE_THROWS_AS(tril(counting({3})), ShapeError);
  REQUIRE_THROWS_AS(diag(counting({2, 2, 2})), ShapeError);
}
