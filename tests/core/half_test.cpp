#include <weft/core/half.hpp>

#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

using namespace weft;

namespace {

/// The value of a small float with that many exponent and mantissa bits, by its definition.
double value_of(uint32_t bits, int exponent_bits, int mantissa_bits) {
  double sign = bits >> (exponent_bits + mantissa_bits) & 1 ? -1 : 1;
  uint32_t exponent = bits >> mantissa_bits & ((1u << exponent_bits) - 1);
  double mantissa = bits & ((1u << mantissa_bits) - 1);
  int bias = (1 << (exponent_bits - 1)) - 1;
  if (exponent == (1u << exponent_bits) - 1) {
    if (mantissa != 0) return std::numeric_limits<double>::quiet_NaN();
    return sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + (1 << mantissa_bits), static_cast<int>(exponent) - bias - mantissa_bits);
}

/// The nearest such number, the one with an even last bit of two equally near: bisection over the bit patterns.
uint32_t nearest(float number, int exponent_bits, int mantissa_bits) {
  uint32_t sign = std::signbit(number) ? 1u << (exponent_bits + mantissa_bits) : 0;
  double magnitude = std::abs(static_cast<double>(number));
  uint32_t infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  uint32_t low = 0, high = infinity;  // value(low) <= magnitude
  if (magnitude == std::numeric_limits<double>::infinity()) return sign | infinity;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (value_of(middle, exponent_bits, mantissa_bits) <= magnitude ? low : high) = middle;
  }
  // Beyond the largest number the next one would be a step further on.
  double below = value_of(low, exponent_bits, mantissa_bits);
  double above = high == infinity ? below + (below - value_of(low - 1, exponent_bits, mantissa_bits))
                                  : value_of(high, exponent_bits, mantissa_bits);
  double down = magnitude - below, up = above - magnitude;
  bool take_low = down < up || (down == up && low % 2 == 0);
  return sign | (take_low ? low : high);
}

template <class Half> void round_trip(int exponent_bits, int mantissa_bits) {
  int wrong = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    Half half;
    half.bits = static_cast<uint16_t>(bits);
    float value = half;
    double expected = value_of(bits, exponent_bits, mantissa_bits);
    if (std::isnan(expected)) {
      wrong += !std::isnan(value) || !std::isnan(static_cast<float>(Half(value)));
      continue;
    }
    wrong += static_cast<double>(value) != expected || std::signbit(value) != std::signbit(expected);
    wrong += Half(value).bits != bits;
  }
  REQUIRE(wrong == 0);
}

template <class Half> void rounds_to_nearest_even(int exponent_bits, int mantissa_bits) {
  int wrong = 0;
  auto check = [&](float value) {
    if (!std::isnan(value)) wrong += Half(value).bits != nearest(value, exponent_bits, mantissa_bits);
  };
  // Every number, every tie between neighbours, and the floats right beside both.
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    auto value = static_cast<float>(value_of(bits, exponent_bits, mantissa_bits));
    auto next = static_cast<float>(value_of(bits + 1, exponent_bits, mantissa_bits));
    if (std::isnan(value)) continue;
    float infinity = std::numeric_limits<float>::infinity();
    for (float center : {value, static_cast<float>((static_cast<double>(value) + next) / 2)}) {
      check(center);
      check(std::nextafter(center, infinity));
      check(std::nextafter(center, -infinity));
    }
  }
  std::mt19937 random(7);
  for (int i = 0; i < 300000; ++i) check(std::bit_cast<float>(static_cast<uint32_t>(random())));
  REQUIRE(wrong == 0);
}

}  // namespace

TEST_CASE("every float16 survives the way to float and back") { round_trip<float16>(5, 10); }
TEST_CASE("every bfloat16 survives the way to float and back") { round_trip<bfloat16>(8, 7); }
TEST_CASE("float16 rounds to the nearest even") { rounds_to_nearest_even<float16>(5, 10); }
TEST_CASE("bfloat16 rounds to the nearest even") { rounds_to_nearest_even<bfloat16>(8, 7); }

TEST_CASE("half types at the ends of their range") {
  REQUIRE(float16(65504.0f).bits == 0x7bff);
  REQUIRE(float16(65519.0f).bits == 0x7bff);
  REQUIRE(float16(65520.0f).bits == 0x7c00);
  REQUIRE(float16(-0.0f).bits == 0x8000);
  REQUIRE(float16(0x1p-24f).bits == 1);
  REQUIRE(float16(0x1p-25f).bits == 0);
  REQUIRE(float16(0x1.8p-25f).bits == 1);
  REQUIRE(bfloat16(std::numeric_limits<float>::max()).bits == 0x7f80);
  REQUIRE(bfloat16(std::bit_cast<float>(0x7f800001u)).bits == 0x7fc0);  // a NaN whose payload lies in the lower half
}
