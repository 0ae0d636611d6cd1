#include <catch2/catch.hpp>

#include <weft/weft.hpp>

using namespace weft;

TEST_CASE("FiLM scales and shifts every feature by its condition", "[film]") {
  Rngs rngs(0);
  FiLM film({.features = 3}, rngs);
  Tensor x = normal({2, 5, 7, 3}, RandomKey{1}), condition = normal({2, 11}, RandomKey{2});
  Tensor y = film(x, condition);
  CHECK(y.shape() == x.shape());
  CHECK(film.modulate.kernel.shape() == Shape{11, 6});
  Tensor both = film.modulate(condition);
  std::vector<float> a = x.to_vector<float>(), b = y.to_vector<float>(), m = both.to_vector<float>();
  for (size_t i = 0; i < a.size(); ++i) {
    size_t sample = i / (5 * 7 * 3), feature = i % 3;
    CHECK(b[i] == Approx(a[i] * (1 + m[sample * 6 + feature]) + m[sample * 6 + 3 + feature]).margin(1e-6));
  }
}

TEST_CASE("FiLM says what does not fit", "[film]") {
  Rngs rngs(0);
  CHECK_THROWS_WITH(FiLM({}, rngs), Catch::StartsWith("FiLM: features: expected at least 1"));
  FiLM film({.features = 3}, rngs);
  CHECK_THROWS_AS(film(zeros({2, 5, 3}), zeros({3, 11})), ShapeError);
  CHECK_THROWS_AS(film(zeros({2, 5, 4}), zeros({2, 11})), ShapeError);
}
