#include <weft/backends/cpu/isa.hpp>

#include <algorithm>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using namespace weft::cpu;

TEST_CASE("an instruction set can be chosen by name among those that exist", "[isa]") {
  test::CpuGuard guard;
  const auto names = available_isas();
  REQUIRE(!names.empty());
  for (std::string_view name : names) {
    set_isa(name);
    REQUIRE(isa_name() == name);
    REQUIRE(isa_kernels().gemm.f32.lanes >= 4);
    REQUIRE(isa_kernels().gemm.f32.panel % isa_kernels().gemm.f32.lanes == 0);
  }
  const std::string before(isa_name());
  REQUIRE_THROWS_WITH(set_isa("mmx"), Catch::Contains("expected an instruction set") && Catch::Contains(before) &&
                                          Catch::Contains("got \"mmx\""));
  REQUIRE_THROWS_AS(set_isa(""), ValueError);
  REQUIRE(isa_name() == before);
}
