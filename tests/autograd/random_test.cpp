#include <weft/autograd/ops/random.hpp>

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/values.hpp>

using namespace weft;
using namespace weft::test;

namespace {
const RandomKey key{0x299f31d0a4093822, 0x03707344, 0x13198a2e};

double moment(const Tensor& x, int power) {
  double total = 0;
  for (double value : x.to_vector<double>()) total += std::pow(value, power);
  return total / static_cast<double>(x.elements());
}
}  // namespace

TEST_CASE("bits are Philox's words in order") {
  std::vector<int32_t> bits = random_bits({11}, key).to_vector<int32_t>();
  for (uint64_t i = 0; i < 11; ++i) REQUIRE(static_cast<uint32_t>(bits[i]) == random_bits(key, i));
  REQUIRE(key_from_tensor(key_tensor(key)) == key);
}

TEST_CASE("a longer draw begins like a shorter one, in any shape") {
  Floats whole = values(uniform({5000}, key));
  Floats part = values(uniform({7, 3}, key));
  REQUIRE(std::equal(part.begin(), part.end(), whole.begin()));
  REQUIRE(whole[4321] == uniform_from_bits(random_bits(key, 4321)));
}

TEST_CASE("draws are the same on every backend and at any number of threads", "[threads]") {
  int before = num_threads();
  Tensor x = ones({113, 97});
  auto draw = [&](Device device) {
    Tensor there = x.to(device);
    return std::vector<Floats>{values(uniform({10007}, key, -3, 5, DType::float32, device)),
                               values(normal({1009}, key, DType::float32, device)), values(dropout(there, 0.3, key)),
                               values(dropout(there, 0.3, key, {1}))};
  };
  set_num_threads(1);
  std::vector<Floats> one = draw("cpu");
  set_num_threads(3);
  REQUIRE(draw("cpu") == one);
  set_num_threads(before);
  std::vector<Floats> reference = draw("reference");
  for (size_t i : {0, 2, 3}) REQUIRE(reference[i] == one[i]);
  for (size_t i = 0; i < one[1].size(); ++i)  // at most 4 ulp apart
    REQUIRE(std::abs(one[1][i] - reference[1][i]) <= 4 * std::abs(one[1][i]) * 0x1p-23f);
}

TEST_CASE("uniform numbers fill their interval and stay in it") {
  std::vector<double> drawn = uniform({100000}, key, 2, 5, DType::float64).to_vector<double>();
  auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
  REQUIRE(*least >= 2);
  REQUIRE(*least < 2.001);
  REQUIRE(*most < 5);
  REQUIRE(*most > 4.999);
  // 1 - 2^-24 times this span rounds up to 1 in float32.
  for (float value : values(uniform({100000}, key, 1 - 0x1p-20, 1))) REQUIRE(value < 1);
  Tensor x = uniform({200000}, key, -1, 1, DType::float64);
  REQUIRE(std::abs(moment(x, 1)) < 0.005);
  REQUIRE(std::abs(moment(x, 2) - 1.0 / 3) < 0.005);
  REQUIRE(values(uniform({3}, key, 4, 4)) == Floats{4, 4, 4});
  REQUIRE(uniform({3}, key, 0, 1, DType::bfloat16).dtype() == DType::bfloat16);
}

TEST_CASE("normal numbers have the normal's moments and tails") {
  Tensor x = normal({200000}, key, DType::float64);
  REQUIRE(std::abs(moment(x, 1)) < 0.01);
  REQUIRE(std::abs(moment(x, 2) - 1) < 0.02);
  REQUIRE(std::abs(moment(x, 3)) < 0.04);
  REQUIRE(std::abs(moment(x, 4) - 3) < 0.1);
  int64_t beyond = 0;
  for (double value : x.to_vector<double>()) beyond += std::abs(value) > 3;
  REQUIRE(std::abs(static_cast<double>(beyond) / 200000 - 0.0026998) < 0.0005);
}

TEST_CASE("truncated normals stay within their bounds") {
  Tensor x = truncated_normal({100000}, key, -2, 2, DType::float64);
  for (double value : x.to_vector<double>()) REQUIRE(std::abs(value) <= 2);
  REQUIRE(std::abs(moment(x, 1)) < 0.01);
  REQUIRE(std::abs(moment(x, 2) - 0.7737413) < 0.01);
  for (float value : values(truncated_normal({1000}, key, 3, 4))) REQUIRE((value >= 3 && value <= 4));
}

TEST_CASE("integers are uniform over their range") {
  std::vector<int64_t> counts(7);
  for (int32_t value : randint({70000}, key, -3, 4).to_vector<int32_t>()) ++counts[static_cast<size_t>(value + 3)];
  for (int64_t count : counts) REQUIRE(std::abs(count - 10000) < 400);
  int64_t base = int64_t{1} << 40;
  for (int64_t value : randint({100}, key, base, base + 10, DType::int64).to_vector<int64_t>())
    REQUIRE((value >= base && value < base + 10));
}

TEST_CASE("bernoulli hits with its probability") {
  double hits = static_cast<double>(count_nonzero(bernoulli({100000}, key, 0.3)).item());
  REQUIRE(std::abs(hits / 100000 - 0.3) < 0.005);
  REQUIRE(count_nonzero(bernoulli({1000}, key, 0)).item() == 0);
  REQUIRE(count_nonzero(bernoulli({1000}, key, 1)).item() == 1000);
}

TEST_CASE("permutations hold everything once") {
  std::vector<int32_t> order = permutation(1009, key).to_vector<int32_t>();
  REQUIRE_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int32_t i = 0; i < 1009; ++i) REQUIRE(order[static_cast<size_t>(i)] == i);
  Tensor rows = permutation(arange(10), key);
  REQUIRE(sum(rows).item() == 45);
}

TEST_CASE("dropout keeps what its mask says and scales it") {
  Tensor x = full({2003}, 3);
  Floats dropped = values(dropout(x, 0.25, key));
  int64_t kept = 0;
  for (size_t i = 0; i < dropped.size(); ++i) {
    bool expected = random_bits(key, i) >> 8 >= dropout_threshold(0.25);
    kept += expected;
    REQUIRE(dropped[i] == (expected ? 4.0f : 0.0f));
  }
  REQUIRE(std::abs(static_cast<double>(kept) / 2003 - 0.75) < 0.04);
  REQUIRE(dropout(x, 0, key).same_as(x));
  REQUIRE(values(dropout(x, 1, key)) == Floats(2003, 0));
  Tensor g = grad([](const Tensor& y) { return sum(dropout(y, 0.25, key)); }, ones({2003}));
  REQUIRE(values(g * 3) == dropped);
  Tensor hidden = full({3}, std::nan(""));
  REQUIRE(values(dropout(hidden, 1, key)) == Floats{0, 0, 0});
}

TEST_CASE("dropout shares decisions along broadcast axes") {
  Floats dropped = values(dropout(ones({5, 7, 11}), 0.5, key, {0, -1}));
  int64_t hits = 0;
  for (size_t row = 0; row < 7; ++row) {
    float expected = random_bits(key, row) >> 8 >= dropout_threshold(0.5) ? 2.0f : 0.0f;
    hits += expected > 0;
    for (size_t i = 0; i < 5; ++i)
      for (size_t j = 0; j < 11; ++j) REQUIRE(dropped[(i * 7 + row) * 11 + j] == expected);
  }
  REQUIRE(hits > 0);
  REQUIRE(hits < 7);
}

TEST_CASE("bad ranges and rates are refused") {
  REQUIRE_THROWS_AS(uniform({2}, key, 1, 0), ValueError);
  REQUIRE_THROWS_AS(uniform({2}, key, 0, INFINITY), ValueError);
  REQUIRE_THROWS_AS(uniform({2}, key, 0, 1, DType::int32), DTypeError);
  REQUIRE_THROWS_AS(normal({2}, key, DType::int32), DTypeError);
  REQUIRE_THROWS_AS(truncated_normal({2}, key, 2, -2), ValueError);
  REQUIRE_THROWS_AS(bernoulli({2}, key, 1.5), ValueError);
  REQUIRE_THROWS_AS(randint({2}, key, 3, 3), ValueError);
  REQUIRE_THROWS_AS(randint({2}, key, 0, int64_t{1} << 33, DType::int64), ValueError);
  REQUIRE_THROWS_AS(randint({2}, key, 0, int64_t{1} << 32, DType::int32), ValueError);
  REQUIRE_THROWS_AS(dropout(ones({2}), -0.1, key), ValueError);
  REQUIRE_THROWS_AS(dropout(ones({2}), 1.1, key), ValueError);
  REQUIRE_THROWS_AS(dropout(arange(3), 0.5, key), DTypeError);
}
