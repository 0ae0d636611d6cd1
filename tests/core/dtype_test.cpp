#include <weft/core/dtype.hpp>

#include <vector>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>

using namespace weft;

namespace {
const std::vector<DType> every{DType::boolean, DType::int32,   DType::int64,  DType::bfloat16,
                               DType::float16, DType::float32, DType::float64};
}  // namespace

TEST_CASE("promotion is a table") {
  // Rows and columns in the order of `every`.
  const char* expected[7] = {"b i l B H f d", "i i l B H f d", "l l l B H f d", "B B B B f f d",
                             "H H H f H f d", "f f f f f f d", "d d d d d d d"};
  auto letter = [](DType dtype) {
    switch (dtype) {
      case DType::boolean: return 'b';
      case DType::int32: return 'i';
      case DType::int64: return 'l';
      case DType::bfloat16: return 'B';
      case DType::float16: return 'H';
      case DType::float32: return 'f';
      default: return 'd';
    }
  };
  for (size_t i = 0; i < every.size(); ++i)
    for (size_t j = 0; j < every.size(); ++j) {
      INFO(name_of(every[i]) << " with " << name_of(every[j]));
      CHECK(letter(promote(every[i], every[j])) == expected[i][2 * j]);
    }
}

TEST_CASE("dtypes have sizes, names and kinds") {
  REQUIRE(size_of(DType::float32) == 4);
  REQUIRE(size_of(DType::float64) == 8);
  REQUIRE(size_of(DType::bfloat16) == 2);
  REQUIRE(size_of(DType::float16) == 2);
  REQUIRE(size_of(DType::int32) == 4);
  REQUIRE(size_of(DType::int64) == 8);
  REQUIRE(size_of(DType::boolean) == 1);
  for (DType dtype : every) {
    REQUIRE(dtype_from_name(name_of(dtype)) == dtype);
    int64_t size = visit(dtype, []<class T>(std::type_identity<T>) { return static_cast<int64_t>(sizeof(T)); });
    REQUIRE(size == size_of(dtype));
    REQUIRE(is_floating(dtype) == (dtype != DType::boolean && !is_integer(dtype)));
    REQUIRE(all_types.contains(dtype));
  }
  REQUIRE(at_least_float(DType::int64) == DType::float32);
  REQUIRE(at_least_float(DType::bfloat16) == DType::bfloat16);
  REQUIRE_THROWS_WITH(dtype_from_name("float8"), Catch::Contains("'float8'") && Catch::Contains("float32"));
}
