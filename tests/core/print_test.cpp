#include <limits>
#include <numeric>
#include <sstream>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/slice.hpp>
#include <weft/core/tensor.hpp>

using namespace weft;

namespace {
template <class T> Tensor counting(const Shape& shape) {
  std::vector<T> values(static_cast<size_t>(shape.elements()));
  std::iota(values.begin(), values.end(), T(0));
  return Tensor::from(values, shape);
}
}  // namespace

TEST_CASE("tensors print like NumPy arrays") {
  REQUIRE(to_string(counting<int32_t>({2, 3})) == "[[0, 1, 2],\n [3, 4, 5]]");
  REQUIRE(to_string(Tensor::from(std::vector<float>{1, 0.5f, -20}, {3})) == "[  1.,  0.5, -20.]");
  REQUIRE(to_string(counting<int64_t>({2, 1, 2})) == "[[[0, 1]],\n [[2, 3]]]");
  REQUIRE(to_string(Tensor(2.5)) == "2.5");
  REQUIRE(to_string(Tensor(true)) == "true");
  REQUIRE(to_string(Tensor(3.0f)) == "3.");
  REQUIRE(to_string(Tensor::empty({2, 0})) == "[[],\n []]");
  REQUIRE(to_string(Tensor()) == "undefined");
  REQUIRE(to_string(Tensor::meta({2, 3})) == "float32[2, 3] without data");
}

TEST_CASE("special numbers print") {
  double infinity = std::numeric_limits<double>::infinity();
  std::string text = to_string(Tensor::from(std::vector<double>{infinity, -infinity, std::nan(""), 1e-30}, {4}));
  REQUIRE(text == "[  inf,  -inf,   nan, 1e-30]");
  REQUIRE(to_string(Tensor(std::numeric_limits<int64_t>::lowest())) == "-9223372036854775808");
}

TEST_CASE("long axes are abbreviated") {
  std::string text = to_string(counting<int32_t>({1001}));
  REQUIRE(text == "[   0,    1,    2, ...,  998,  999, 1000]");
  REQUIRE(to_string(counting<int32_t>({1000})).find("...") == std::string::npos);
  REQUIRE(to_string(counting<int32_t>({8, 2}), 10) ==
          "[[ 0,  1],\n [ 2,  3],\n [ 4,  5],\n ...,\n [10, 11],\n [12, 13],\n [14, 15]]");
}

TEST_CASE("views print their own elements") {
  Tensor x = counting<int32_t>({3, 3});
  REQUIRE(to_string(x[{slice({}, {}, -2), 1}]) == "[7, 1]");
  std::ostringstream stream;
  stream << x[0];
  REQUIRE(stream.str() == "[0, 1, 2]");
}
