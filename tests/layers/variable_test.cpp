#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

struct Mask : VariableOf<Mask> {
  static constexpr std::string_view kind_name = "masks";
  using VariableOf::VariableOf;
};

struct LoRAParam : VariableOf<LoRAParam> {
  static constexpr std::string_view kind_name = "lora";
  using parent_kind = Param;
  using VariableOf::VariableOf;
};

}  // namespace

TEST_CASE("variables move and do not copy") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<Param>);
  STATIC_REQUIRE(!std::is_copy_assignable_v<Param>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Param>);
  STATIC_REQUIRE(!std::is_convertible_v<Param, BatchStat>);
}

TEST_CASE("a shared variable sees writes through the other one") {
  Param a(wavy({3}));
  Param b = a.share();
  b.set(wavy({3}, 1));
  CHECK(same_bits(a, b));
  CHECK(a.cell() == b.cell());
}

TEST_CASE("a variable is an operand") {
  Param a(Tensor::from<float>({1, 2, 3}, {3}));
  Param b(Tensor::from<float>({4, 5, 6}, {3}));
  CHECK(numbers(a + b) == std::vector<double>{5, 7, 9});
  CHECK(numbers(2 * a) == std::vector<double>{2, 4, 6});
  CHECK(numbers(a - Tensor(1.0f)) == std::vector<double>{0, 1, 2});
  CHECK(sum(a).item() == 6);
}

TEST_CASE("set keeps shape and dtype") {
  Param a(wavy({2, 3}));
  CHECK_THAT(error_of<ShapeError>([&] {
               a.set(wavy({3, 2}));
             }),
             Contains("expected") && Contains("[2, 3]") && Contains("[3, 2]"));
  CHECK_THAT(error_of<DTypeError>([&] {
               a.set(wavy({2, 3}, 0, DType::float64));
             }),
             Contains("float32") && Contains("float64"));
}

TEST_CASE("a declared variable gets its value when its shape is known") {
  Param a(initializers::constant(0.5), RandomKey());
  CHECK(!a.has_shape());
  CHECK_THAT(error_of<StateError>([&] { a.get(); }), Contains("no shape yet") && Contains("initialize"));
  a.resolve({2, 3});
  CHECK(numbers(a) == std::vector<double>(6, 0.5));
  CHECK_THAT(error_of<ShapeError>([&] { a.resolve({3, 2}); }), Contains("[3, 2]") && Contains("[2, 3]"));
}

TEST_CASE("a shape-only run gives shapes and writes nothing") {
  Param a(initializers::ones(), RandomKey());
  BatchStat stat(wavy({3}));
  Tensor before = stat.get().copy();
  {
    ShapeOnlyScope scope;
    a.resolve({2});
    CHECK(a.get().is_meta());
    CHECK(stat.get().is_meta());
    stat.set(wavy({3}, 1));
  }
  CHECK(!a.has_value());
  CHECK(same_bits(stat, before));
  CHECK(numbers(a) == std::vector<double>{1, 1});
}

TEST_CASE("kinds of one's own") {
  CHECK(Mask::kind().name == "masks");
  CHECK(!Mask::kind().is(Param::kind()));
  CHECK(LoRAParam::kind().is(Param::kind()));
  CHECK(!Param::kind().is(LoRAParam::kind()));
  Mask mask(wavy({2}));
  CHECK(mask.share().cell() == mask.cell());
  CHECK(same_bits(Tensor(mask), mask.get()));
}

TEST_CASE("an empty variable says so") {
  Param none;
  CHECK(!none);
  CHECK_THAT(error_of<StateError>([&] { none.get(); }), Contains("empty"));
}
