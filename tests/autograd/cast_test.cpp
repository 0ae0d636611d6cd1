#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/cast.hpp>

using namespace weft;

TEST_CASE("floats become integers towards zero and within their range", "[cast]") {
  std::vector<double> values{1.9,   -1.9,   INFINITY,     -INFINITY,    NAN,
                             1e300, -1e300, 2147483647.0, 2147483648.0, -2147483648.0};
  constexpr int32_t low = std::numeric_limits<int32_t>::min(), high = std::numeric_limits<int32_t>::max();
  std::vector<int32_t> expected{1, -1, high, low, 0, high, low, high, high, low};
  for (const char* device : {"cpu", "reference"}) {
    Tensor x = Tensor::from(values, {10}, device);
    CHECK(cast(x, DType::int32).to_vector<int32_t>() == expected);
    std::vector<int64_t> wide = cast(x, DType::int64).to_vector<int64_t>();
    CHECK(wide[2] == std::numeric_limits<int64_t>::max());
    CHECK(wide[3] == std::numeric_limits<int64_t>::min());
    CHECK(wide[4] == 0);
    CHECK(wide[8] == 2147483648);
    CHECK(cast(cast(x, DType::float16), DType::int32).to_vector<int32_t>()[2] == high);
  }
  Tensor target = Tensor::empty({10}, DType::int32);
  target.assign(Tensor::from(values, {10}));
  CHECK(target.to_vector<int32_t>() == expected);
}
