// The vector loops of elementwise functors, instantiated here for the architecture's baseline; the units instantiate
// the same templates for the others.

#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/isa/elementwise_impl.hpp>

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using namespace weft::cpu;
using namespace weft::test;

namespace {

#if defined(__x86_64__)
using Baseline = simd::Sse2;
#else
using Baseline = simd::Neon;
#endif

// Functors in the way of the ops: one text for scalars and registers.
struct ScaledExp {
  double factor;
  template <class V> V operator()(V x) const { return exp(x * V(factor)); }
};
struct Hypotenuse {
  template <class V> V operator()(V x, V y) const { return sqrt(x * x + y * y); }
};
struct Less {
  template <class V> auto operator()(V x, V y) const { return x < y; }
};
struct Clamp {
  template <class V> V operator()(V x, V low, V high) const { return max(low, min(high, x)); }
};

using ExpLoops = Loops<ScaledExp, 1>;
using HypotenuseLoops = Loops<Hypotenuse, 2>;
using LessLoops = Loops<Less, 2, true>;
using ClampLoops = Loops<Clamp, 3>;
using TestSet = LoopSet<ExpLoops, HypotenuseLoops, LessLoops, ClampLoops>;
constexpr TestSet test_set = make_loop_set<TestSet, Baseline>();

}  // namespace

TEMPLATE_TEST_CASE("vector loops agree with scalar code for every pattern of steps and every tail", "[elementwise]",
                   float, double) {
  using T = TestType;
  const auto a = random_values<T>(67, 1), b = random_values<T>(67, 2), c = random_values<T>(67, 3);
  for (int64_t n = 0; n < 67; ++n)
    for (int64_t pattern = 0; pattern < 8; ++pattern) {
      INFO("n " << n << " steps " << pattern);
      const T* inputs[] = {a.data(), b.data(), c.data()};
      const int64_t steps[] = {pattern & 1, pattern >> 1 & 1, pattern >> 2};
      auto value = [&](int i, int64_t j) { return inputs[i][j * steps[i]]; };
      std::vector<T> y(68, T(9));
      auto check = [&](auto expected) {
        for (int64_t j = 0; j < 68; ++j)
          REQUIRE(y[static_cast<size_t>(j)] == (j < n ? Approx(double(expected(j))).epsilon(1e-6) : Approx(9.0)));
      };
      test_set.get<ExpLoops>().of<T>()(ScaledExp{0.5}, inputs, steps, y.data(), n);
      check([&](int64_t j) { return std::exp(value(0, j) / 2); });
      test_set.get<HypotenuseLoops>().of<T>()({}, inputs, steps, y.data(), n);
      check([&](int64_t j) { return std::sqrt(value(0, j) * value(0, j) + value(1, j) * value(1, j)); });
      test_set.get<ClampLoops>().of<T>()({}, inputs, steps, y.data(), n);
      check([&](int64_t j) { return std::max(value(1, j), std::min(value(2, j), value(0, j))); });
      bool less[68];
      std::fill(std::begin(less), std::end(less), true);
      test_set.get<LessLoops>().of<T>()({}, inputs, steps, less, n);
      for (int64_t j = 0; j < 67; ++j) REQUIRE(less[j] == (j < n ? value(0, j) < value(1, j) : true));
    }
}

TEST_CASE("vector_map takes broadcast and transposed tensors", "[elementwise]") {
  const auto x_values = random_values<float>(37 * 41, 4), y_values = random_values<float>(41, 5);
  Tensor x = Tensor::from<float>(x_values, {41, 37}).strided_view({37, 41}, {1, 37}, 0);
  const std::vector<Tensor> inputs{x, Tensor::from<float>(y_values, {41})};
  std::vector<Tensor> outputs{Tensor::empty({37, 41})};
  vector_map({nullptr, inputs, outputs}, test_set.get<HypotenuseLoops>(), Hypotenuse{});
  const auto result = outputs[0].to_vector<float>();
  for (size_t i = 0; i < 37; ++i)
    for (size_t j = 0; j < 41; ++j)
      REQUIRE(result[i * 41 + j] == Approx(std::hypot(x_values[j * 37 + i], y_values[j])));
}

TEMPLATE_TEST_CASE("functions of registers are exact to a few units in the last place", "[elementwise]", float,
                   double) {
  using T = TestType;
  using V = simd::Vec<T, Baseline>;
  auto check = [](const char* name, double low, double high, double units, auto vector, auto scalar) {
    double worst = 0, at = 0;
    for (int i = 0; i <= 20000; ++i) {
      const T x = static_cast<T>(low + (high - low) * i / 20000);
      const long double expected = scalar(static_cast<long double>(x));
      const T rounded = static_cast<T>(std::abs(expected)), got = first(vector(V(x)));
      if (got == static_cast<T>(expected)) continue;
      const long double unit = std::nextafter(rounded, std::numeric_limits<T>::infinity()) - rounded;
      const double error = static_cast<double>(std::abs((got - expected) / unit));
      if (!(error <= worst)) worst = error, at = x;
    }
    INFO(name << " at " << at);
    REQUIRE(worst <= units);
  };
#define WEFT_CHECK(name, low, high, units) \
  check(                                   \
      #name, low, high, units, [](V x) { return name(x); }, [](long double x) { return std::name(x); })
  const bool single = sizeof(T) == 4;
  WEFT_CHECK(exp, single ? -104 : -746, single ? 89 : 710, 1.5);
  WEFT_CHECK(exp2, single ? -150 : -1075, single ? 128 : 1024, 3);
  WEFT_CHECK(tanh, -9, 9, single ? 7 : 3);
  WEFT_CHECK(erf, -4, 4, single ? 9 : 2);
  WEFT_CHECK(erfc, -6, single ? 5 : 25, single ? 40 : 4);
  WEFT_CHECK(sinh, single ? -88 : -709, single ? 88 : 709, 4);
  WEFT_CHECK(cosh, single ? -88 : -709, single ? 88 : 709, 4);
  WEFT_CHECK(floor, -9, 9, 0);
  WEFT_CHECK(ceil, -9, 9, 0);
  WEFT_CHECK(trunc, -9, 9, 0);
  WEFT_CHECK(nearbyint, -9, 9, 0);
  WEFT_CHECK(log, 0.001, 30, 1.5);
  WEFT_CHECK(log1p, -0.99, 3, 1.5);
  WEFT_CHECK(expm1, -5, 5, 3);
  WEFT_CHECK(atan, -9, 9, 3);
#undef WEFT_CHECK
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  REQUIRE(first(simd::exp(V(-infinity))) == 0);
  REQUIRE(first(simd::exp(V(infinity))) == infinity);
  REQUIRE(first(simd::exp2_nonpositive(V(-infinity))) == 0);
  REQUIRE(first(simd::exp2_nonpositive(V(T(0)))) == 1);
  for (V y :
       {simd::exp(V(nan)), simd::exp2(V(nan)), simd::exp2_nonpositive(V(nan)), simd::tanh(V(nan)), simd::erf(V(nan)),
        simd::log(V(nan)), maximum(V(nan), V(T(1))), maximum(V(T(1)), V(nan)), minimum(V(nan), V(T(1)))})
    REQUIRE(std::isnan(first(y)));
  REQUIRE(std::signbit(first(-V(T(0)))));
  REQUIRE(all(V(nan) != V(nan)));
}
