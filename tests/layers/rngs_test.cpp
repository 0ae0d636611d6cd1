#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

TEST_CASE("streams never repeat a key") {
  Rngs rngs(5);
  RandomKey a = rngs.params(), b = rngs.params(), c = rngs.dropout();
  CHECK(!(a == b));
  CHECK(!(b == c));
  Rngs again(5);
  CHECK(again.params() == a);
  RngStream forked = again["dropout"].fork();
  CHECK(!(forked.next() == again.next()));
}

TEST_CASE("named streams are independent, and missing names fall back to the default one") {
  Rngs rngs({.params = 0, .dropout = 0});
  CHECK(!(rngs.params() == rngs.dropout()));
  CHECK_THAT(error_of<StateError>([&] { rngs.next("noise"); }), Contains("noise") && Contains("dropout, params"));
  Rngs with_fallback({.fallback = 1, .params = 2, .others = {{"noise", 3}}});
  RandomKey params = Rngs({.params = 2}).params();
  CHECK(with_fallback.params() == params);
  CHECK(with_fallback["noise"].id != with_fallback["anything"].id);
}

TEST_CASE("streams are state: saved and put back, they go on where they were") {
  Rngs rngs({.params = 7, .dropout = 8});
  rngs.params();
  State saved = state(rngs);
  RandomKey next = rngs.params();
  rngs.params();
  update(rngs, saved);
  CHECK(rngs.params() == next);
  CHECK(saved.contains("streams.dropout.key"));
}

TEST_CASE("forks are a function of the seed, and reseeding starts again") {
  Rngs a(1), b(1);
  Rngs fork_a = a.fork(), fork_b = b.fork();
  CHECK(fork_a.params() == fork_b.params());
  CHECK(!(a.fork().params() == fork_a.params()));
  b.reseed({.fallback = 1});
  CHECK(b.fork().params() == Rngs(1).fork().params());
  CHECK_THAT(error_of<StateError>([&] { b.reseed({.dropout = 1}); }), Contains("dropout"));
}

TEST_CASE("a shape-only run does not move a stream") {
  Rngs rngs(1);
  RandomKey first = Rngs(1).params();
  {
    ShapeOnlyScope scope;
    rngs.params();
    rngs.params();
  }
  CHECK(rngs.params() == first);
}

TEST_CASE("the order in which lazy layers get their shapes changes nothing") {
  auto weights = [](bool second_first) {
    Rngs rngs(4);
    Linear a({.out_features = 3}, rngs), b({.out_features = 5}, rngs);
    Tensor x = wavy({2, 7});
    if (second_first) b(x);
    a(x);
    b(x);
    return std::pair(a.kernel.get(), b.kernel.get());
  };
  auto [a, b] = weights(false);
  auto [c, d] = weights(true);
  CHECK(same_bits(a, c));
  CHECK(same_bits(b, d));
  Rngs rngs(4);
  Linear eager({.in_features = 7, .out_features = 3}, rngs);
  CHECK(same_bits(eager.kernel, a));
}
