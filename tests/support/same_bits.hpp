#pragma once

#include <cstring>

#include <catch2/catch.hpp>

#include <weft/layers/state.hpp>

namespace weft::testing {

/// Equal shapes, element types and bits, wherever the tensors are.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.spec() != b.spec()) return false;
  const Tensor x = a.to("cpu").contiguous(), y = b.to("cpu").contiguous();
  return x.bytes() == 0 || std::memcmp(x.raw(), y.raw(), static_cast<size_t>(x.bytes())) == 0;
}

/// The same paths, and under each the same bits.
inline void check_same_bits(const State& a, const State& b) {
  REQUIRE(a.same_paths(b));
  for (size_t i = 0; i < a.size(); ++i) {
    INFO(a.path(i));
    CHECK(same_bits(a.value(i), b.value(i)));
  }
}

}  // namespace weft::testing
