#include <weft/core/shape.hpp>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/strided_loop.hpp>

using namespace weft;
using Catch::Contains;

TEST_CASE("shapes can be changed axis by axis") {
  Shape shape{2, 3, 5};
  shape.insert(1, 7);
  REQUIRE(shape == Shape{2, 7, 3, 5});
  shape.erase(0);
  REQUIRE(shape == Shape{7, 3, 5});
  shape.push_back(11);
  REQUIRE(shape.back() == 11);
  REQUIRE(shape.slice(1, 3) == Shape{3, 5});
  REQUIRE(shape.slice(2, 2) == Shape{});
  REQUIRE(Shape::filled(3, 4) == Shape{4, 4, 4});
  REQUIRE_FALSE(Shape{2, 3} == Shape{2, 3, 1});
  REQUIRE(to_string(Shape{2, 3}) == "[2, 3]");
  REQUIRE(to_string(Shape{}) == "[]");
  REQUIRE_THROWS_AS(Shape::filled(8, 1).push_back(1), ShapeError);
}

TEST_CASE("elements are counted, and overflow is an error") {
  REQUIRE(Shape{}.elements() == 1);
  REQUIRE(Shape{2, 0, 5}.elements() == 0);
  REQUIRE(Shape{2, 3, 5}.elements() == 30);
  int64_t large = int64_t{1} << 32;
  REQUIRE_THROWS_AS((Shape{large, large}.elements()), ShapeError);
  REQUIRE(Shape{large, large, 0}.elements() == 0);
}

TEST_CASE("row-major strides") {
  REQUIRE(row_major_strides({2, 3, 5}) == Strides{15, 5, 1});
  REQUIRE(row_major_strides({}) == Strides{});
  REQUIRE(row_major_strides({2, 0, 5})[2] == 1);
}

TEST_CASE("broadcasting follows NumPy") {
  REQUIRE(broadcast_shapes({2, 1, 5}, {3, 1}) == Shape{2, 3, 5});
  REQUIRE(broadcast_shapes({}, {3, 5}) == Shape{3, 5});
  REQUIRE(broadcast_shapes({0, 1}, {1, 5}) == Shape{0, 5});
  REQUIRE(broadcast_shapes({0}, {1}) == Shape{0});
  REQUIRE_THROWS_WITH(broadcast_shapes({2, 3}, {2, 5}, "add"), Contains("add: ") && Contains("[2, 3] and [2, 5]"));
  REQUIRE_THROWS_AS(broadcast_shapes({0}, {3}), ShapeError);
}

TEST_CASE("axes count from either end") {
  Shape shape{2, 3, 5};
  REQUIRE(normalize_axis(-1, shape, "op") == 2);
  REQUIRE(normalize_axis(1, shape, "op") == 1);
  REQUIRE_THROWS_WITH(normalize_axis(3, shape, "sum"), "sum: axis 3 out of range for shape [2, 3, 5]");
  REQUIRE_THROWS_AS(normalize_axis(-4, shape, "sum"), ShapeError);
  REQUIRE_THROWS_AS(normalize_axis(0, {}, "sum"), ShapeError);
  REQUIRE(normalize_axes({-1, 0}, shape, "op") == Shape{0, 2});
  REQUIRE(normalize_axes({}, shape, "op") == Shape{0, 1, 2});
  REQUIRE_THROWS_WITH(normalize_axes({2, -1}, shape, "sum"), Contains("twice"));
}

TEST_CASE("strided rows visit every element in row-major order") {
  // A transposed array of [3, 5] beside a contiguous one, a broadcast one and a reversed one.
  Shape shape{5, 3};
  std::array<Strides, 4> strides{Strides{1, 5}, Strides{3, 1}, Strides{0, 1}, Strides{-3, -1}};
  std::vector<std::array<int64_t, 4>> seen;
  strided_rows<4>(shape, strides, [&](int64_t count, std::array<int64_t, 4> at, std::array<int64_t, 4> step) {
    for (int64_t i = 0; i < count; ++i) {
      seen.push_back(at);
      for (size_t j = 0; j < 4; ++j) at[j] += step[j];
    }
  });
  REQUIRE(seen.size() == 15);
  for (int64_t i = 0; i < 15; ++i)
    REQUIRE(seen[static_cast<size_t>(i)] == std::array<int64_t, 4>{i % 3 * 5 + i / 3, i, i % 3, -i});
}

TEST_CASE("strided rows merge what runs on, and do nothing for nothing") {
  int rows = 0;
  auto count_rows = [&](const Shape& shape, const Strides& strides) {
    rows = 0;
    strided_rows<1>(shape, {strides}, [&](int64_t, auto, auto) { ++rows; });
    return rows;
  };
  REQUIRE(count_rows({2, 3, 5}, {15, 5, 1}) == 1);
  REQUIRE(count_rows({2, 3, 5}, {30, 5, 1}) == 2);
  REQUIRE(count_rows({2, 1, 5}, {5, 99, 1}) == 1);
  REQUIRE(count_rows({}, {}) == 1);
  REQUIRE(count_rows({2, 0, 5}, {5, 5, 1}) == 0);
}
