#include <weft/backends/cpu/reduce_axes.hpp>

#include <cmath>
#include <limits>
#include <tuple>

#include <catch2/catch.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using namespace weft::cpu;
using namespace weft::test;

namespace {

constexpr Reduction all_kinds[] = {Reduction::sum, Reduction::sum_squares, Reduction::product, Reduction::max,
                                   Reduction::min};
using Extents = std::tuple<int64_t, int64_t, int64_t>;

template <class T> double naive(Reduction kind, const T* x, int64_t n, int64_t step) {
  double result = kind == Reduction::product ? 1
                  : kind == Reduction::max   ? -std::numeric_limits<double>::infinity()
                  : kind == Reduction::min   ? std::numeric_limits<double>::infinity()
                                             : 0;
  for (int64_t i = 0; i < n; ++i) {
    const double value = x[i * step];
    if (kind == Reduction::sum) result += value;
    if (kind == Reduction::sum_squares) result += value * value;
    if (kind == Reduction::product) result *= value;
    if (kind == Reduction::max) result = std::max(result, value);
    if (kind == Reduction::min) result = std::min(result, value);
  }
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("reduce_axis agrees with plain loops", "[reduce]", float, double) {
  for_each_isa([](const std::string& isa) {
    for (auto [outer, n, inner] : {Extents{0, 5, 3}, Extents{3, 0, 1}, Extents{3, 0, 2}, Extents{1, 1, 1},
                                   Extents{7, 13, 1}, Extents{3, 1009, 1}, Extents{2, 100003, 1}, Extents{1, 5, 7},
                                   Extents{3, 131, 67}, Extents{1, 4099, 37}, Extents{2, 11, 5003}, Extents{5, 2, 0}})
      for (Reduction kind : all_kinds) {
        INFO(isa << " kind " << static_cast<int>(kind) << " extents " << outer << ' ' << n << ' ' << inner);
        // Products stay near 1.
        const bool product = kind == Reduction::product;
        const auto x = random_values<TestType>(outer * n * inner + 1, 1, product ? 0.999 : -1, product ? 1.001 : 1);
        std::vector<TestType> y(static_cast<size_t>(outer * inner), TestType(5));
        reduce_axis(kind, x.data(), outer, n, inner, y.data());
        for (int64_t o = 0; o < outer; ++o)
          for (int64_t j = 0; j < inner; ++j) {
            const double expected = naive(kind, x.data() + o * n * inner + j, n, inner);
            const double got = y[static_cast<size_t>(o * inner + j)];
            if (std::isinf(expected) || kind == Reduction::max || kind == Reduction::min) REQUIRE(got == expected);
            else
              REQUIRE(got == Approx(expected)
                                 .epsilon(sizeof(TestType) == 4 ? 2e-5 : 1e-12)
                                 .margin(sizeof(TestType) == 4 ? 2e-4 : 1e-11));
          }
      }
  });
}

TEMPLATE_TEST_CASE("reduce_axis lets NaN through from any place", "[reduce]", float, double) {
  for_each_isa([](const std::string& isa) {
    for (int64_t inner : {1, 3})
      for (int64_t place = 0; place < 71; ++place) {
        std::vector<TestType> x(static_cast<size_t>(71 * inner), TestType(2));
        x[static_cast<size_t>(place * inner)] = std::numeric_limits<TestType>::quiet_NaN();
        for (Reduction kind : all_kinds) {
          INFO(isa << " place " << place << " kind " << static_cast<int>(kind));
          std::vector<TestType> y(static_cast<size_t>(inner));
          reduce_axis(kind, x.data(), 1, 71, inner, y.data());
          REQUIRE(std::isnan(y[0]));
          if (inner > 1) REQUIRE(!std::isnan(y[1]));
        }
      }
  });
}

TEST_CASE("sums of many floats stay exact to a few units", "[reduce]") {
  const int64_t n = 3000017;
  const std::vector<float> x(static_cast<size_t>(n), 0.1f);
  float sum = 0;
  reduce_axis(Reduction::sum, x.data(), 1, n, 1, &sum);
  REQUIRE(sum == Approx(static_cast<double>(0.1f) * n).epsilon(1e-6));
  std::vector<float> columns(7);
  reduce_axis(Reduction::sum, x.data(), 1, n / 7, 7, columns.data());
  REQUIRE(columns[3] == Approx(static_cast<double>(0.1f) * (n / 7)).epsilon(5e-6));
}

TEMPLATE_TEST_CASE("reduce_axis gives the same bits at any number of threads", "[reduce][threads]", float, double) {
  for_each_isa([](const std::string& isa) {
    for (auto [outer, n, inner] :
         {Extents{3, 200003, 1}, Extents{1009, 211, 1}, Extents{2, 20011, 31}, Extents{257, 13, 41}}) {
      const auto x = random_values<TestType>(outer * n * inner, 2);
      std::vector<TestType> one_thread;
      for (int threads : {1, 2, 4}) {
        INFO(isa << " threads " << threads);
        set_num_threads(threads);
        std::vector<TestType> y(static_cast<size_t>(outer * inner));
        reduce_axis(Reduction::sum, x.data(), outer, n, inner, y.data());
        if (threads == 1) one_thread = y;
        REQUIRE(same_bits(y, one_thread));
      }
    }
  });
}

TEMPLATE_TEST_CASE("dot agrees with a plain loop", "[reduce]", float, double) {
  for_each_isa([](const std::string&) {
    for (int64_t n : {0, 1, 7, 131, 5003}) {
      const auto x = random_values<TestType>(n, 1), y = random_values<TestType>(n, 2);
      double expected = 0;
      for (size_t i = 0; i < x.size(); ++i) expected += double(x[i]) * double(y[i]);
      REQUIRE(isa_kernels().reduce.of<TestType>().dot(x.data(), y.data(), n) == Approx(expected).margin(1e-4));
    }
  });
}
