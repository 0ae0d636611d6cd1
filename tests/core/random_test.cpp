#include <weft/core/random.hpp>

#include <set>

#include <catch2/catch.hpp>

using namespace weft;

TEST_CASE("philox gives Random123's known answers") {
  using Words = std::array<uint32_t, 4>;
  REQUIRE(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  uint32_t ones = 0xffffffff;
  REQUIRE(philox({ones, ones, ones, ones}, {ones, ones}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  REQUIRE(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a draw's element depends on key, stream, counter and index alone") {
  RandomKey key{0x299f31d0a4093822, 0x03707344, 0x13198a2e};
  uint64_t block = 0x85a308d3243f6a88;
  REQUIRE(random_block(key, block) == std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  for (uint64_t index = 0; index < 9; ++index)
    REQUIRE(random_bits(key, index) == random_block(key, index / 4)[index % 4]);
  std::set<uint32_t> first;
  for (RandomKey other :
       {key, RandomKey{key.key + 1, key.stream, key.counter}, RandomKey{key.key, key.stream + 1, key.counter},
        RandomKey{key.key, key.stream, key.counter + 1}})
    first.insert(random_bits(other, 0));
  REQUIRE(first.size() == 4);
}

TEST_CASE("bits become numbers from 0 to below 1") {
  REQUIRE(uniform_from_bits(0) == 0.0f);
  REQUIRE(uniform_from_bits(0xffffffff) == 1.0f - 0x1p-24f);
  REQUIRE(uniform_from_bits(0x80000000) == 0.5f);
  REQUIRE(dropout_threshold(0) == 0);
  REQUIRE(dropout_threshold(0.5) == 1u << 23);
  REQUIRE(dropout_threshold(1) == 1u << 24);
}

TEST_CASE("folding numbers into a key gives distinct keys") {
  std::set<uint64_t> keys;
  for (uint64_t key : {0u, 1u, 2u})
    for (uint64_t number = 0; number < 100; ++number) keys.insert(fold_in(key, number));
  REQUIRE(keys.size() == 300);
}
