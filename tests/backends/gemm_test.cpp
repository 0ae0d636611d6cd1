#include <weft/backends/cpu/gemm.hpp>

#include <cmath>
#include <tuple>

#include <catch2/catch.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using namespace weft::cpu;
using namespace weft::test;

namespace {

/// A matrix inside a larger buffer; `transposed` makes the rows the contiguous axis, `step` leaves gaps.
template <class T> struct Matrix {
  std::vector<T> values;
  int64_t row, col;
  Matrix(int64_t rows, int64_t cols, bool transposed, int64_t step, unsigned seed)
      : values(random_values<T>(rows * cols * step * step + 7, seed)) {
    row = transposed ? step : cols * step * step;
    col = transposed ? rows * step * step : step;
  }
  const T* data() const { return values.data() + 3; }
};

template <class T> double tolerance(int64_t k) {
  return (sizeof(T) == 4 ? 1e-6 : 4e-15) * (4 + std::sqrt(double(k)) * 2);
}

template <class T>
void check_gemm(int64_t m, int64_t n, int64_t k, bool ta, bool tb, int64_t step, bool accumulate, bool with_bias) {
  INFO("m " << m << " n " << n << " k " << k << " ta " << ta << " tb " << tb << " step " << step << " accumulate "
            << accumulate << " bias " << with_bias);
  Matrix<T> a(m, k, ta, step, 1), b(k, n, tb, step, 2);
  const int64_t c_row = n + 3;
  const auto bias = random_values<T>(n, 4);
  const auto before = random_values<T>(m * c_row, 3);
  auto c = before;
  GemmArgs<T> args;
  args.m = m, args.n = n, args.k = k;
  args.a = a.data(), args.a_row = a.row, args.a_col = a.col;
  args.b = b.data(), args.b_row = b.row, args.b_col = b.col;
  args.c = c.data(), args.c_row = c_row;
  args.accumulate = accumulate;
  args.bias = with_bias ? bias.data() : nullptr;
  gemm(args);
  double worst = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < c_row; ++j) {
      auto at = static_cast<size_t>(i * c_row + j);
      if (j >= n) {
        REQUIRE(c[at] == before[at]);
        continue;
      }
      double sum = (accumulate ? before[at] : 0) + (with_bias ? double(bias[static_cast<size_t>(j)]) : 0);
      for (int64_t p = 0; p < k; ++p)
        sum += double(a.data()[i * a.row + p * a.col]) * double(b.data()[p * b.row + j * b.col]);
      worst = std::max(worst, std::abs(sum - double(c[at])));
    }
  REQUIRE(worst <= tolerance<T>(k));
}

}  // namespace

TEMPLATE_TEST_CASE("gemm agrees with plain loops", "[gemm]", float, double) {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    using Shape3 = std::tuple<int64_t, int64_t, int64_t>;
    for (auto [m, n, k] : {Shape3{1, 1, 1}, Shape3{2, 3, 5}, Shape3{7, 11, 13}, Shape3{13, 64, 17}, Shape3{6, 67, 31},
                           Shape3{23, 80, 48}, Shape3{37, 129, 61}, Shape3{1, 97, 53}, Shape3{1, 331, 9},
                           Shape3{89, 1, 47}, Shape3{3, 41, 71}, Shape3{5, 10, 300}})
      for (bool ta : {false, true})
        for (bool tb : {false, true})
          for (int64_t step : {1, 2})
            for (bool accumulate : {false, true})
              for (bool bias : {false, true}) check_gemm<TestType>(m, n, k, ta, tb, step, accumulate, bias);
  });
}

TEMPLATE_TEST_CASE("gemm agrees with plain loops where it packs and shares among threads", "[gemm]", float, double) {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    for (bool ta : {false, true})
      for (bool tb : {false, true}) {
        check_gemm<TestType>(211, 307, 523, ta, tb, 1, false, true);
        check_gemm<TestType>(101, 83, 1291, ta, tb, 1, true, false);
        check_gemm<TestType>(1009, 31, 67, ta, tb, 1, false, false);
        check_gemm<TestType>(1, 1009, 1013, ta, tb, 1, true, true);
        check_gemm<TestType>(4, 1009, 509, ta, tb, 1, false, true);
        check_gemm<TestType>(1013, 1, 1009, ta, tb, 1, true, false);
        check_gemm<TestType>(1013, 1, 61, ta, tb, 1, false, true);
        check_gemm<TestType>(13, 509, 211, ta, tb, 1, true, true);  // few rows against columns
        check_gemm<TestType>(3, 1021, 521, ta, tb, 1, true, true);  // few rows against rows
        check_gemm<TestType>(31, 29, 4099, ta, tb, 1, true, true);  // K in parts
        check_gemm<TestType>(61, 131, 2053, ta, tb, 1, false, true);
        check_gemm<TestType>(521, 283, 263, ta, tb, 1, true, true);  // A copied too
      }
  });
}

TEMPLATE_TEST_CASE("gemm without rows, columns or depth", "[gemm]", float, double) {
  std::vector<TestType> c(6, TestType(7));
  const std::vector<TestType> bias{1, 2, 3}, ab(64, TestType(1));
  GemmArgs<TestType> args;
  args.a = ab.data(), args.b = ab.data(), args.c = c.data();
  args.a_row = 4, args.b_row = 3, args.c_row = 3;
  args.m = 0, args.n = 3, args.k = 4;
  gemm(args);
  args.m = 2, args.n = 0;
  gemm(args);
  REQUIRE(c == std::vector<TestType>(6, TestType(7)));
  args.n = 3, args.k = 0, args.accumulate = true;
  gemm(args);
  REQUIRE(c == std::vector<TestType>(6, TestType(7)));
  args.bias = bias.data();
  gemm(args);
  REQUIRE(c == std::vector<TestType>{8, 9, 10, 8, 9, 10});
  args.accumulate = false;
  gemm(args);
  REQUIRE(c == std::vector<TestType>{1, 2, 3, 1, 2, 3});
}

TEMPLATE_TEST_CASE("gemm repeats a row or column of stride 0", "[gemm]", float, double) {
  const auto a = random_values<TestType>(5, 1), b = random_values<TestType>(5, 2);
  std::vector<TestType> c(7 * 19);
  GemmArgs<TestType> args;
  args.m = 7, args.n = 19, args.k = 5;
  args.a = a.data(), args.a_row = 0, args.a_col = 1;
  args.b = b.data(), args.b_row = 1, args.b_col = 0;
  args.c = c.data(), args.c_row = 19;
  gemm(args);
  double sum = 0;
  for (size_t i = 0; i < 5; ++i) sum += double(a[i]) * double(b[i]);
  for (TestType value : c) REQUIRE(value == Approx(sum).epsilon(1e-5));
}

TEMPLATE_TEST_CASE("batched gemm agrees with single ones", "[gemm]", float, double) {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    struct Case {
      int64_t batch, m, n, k;
      bool share_a, share_b;
    };
    for (Case one :
         {Case{0, 3, 5, 7, false, false}, Case{5, 3, 5, 7, false, false}, Case{37, 17, 19, 31, false, false},
          Case{7, 13, 29, 11, true, false}, Case{11, 13, 29, 11, false, true}, Case{3, 97, 101, 211, false, false},
          Case{20, 1, 37, 41, false, false}, Case{2, 5, 0, 3, false, false}, Case{3, 5, 7, 0, false, false}}) {
      const auto a = random_values<TestType>(one.batch * one.m * one.k + 1, 1);
      const auto b = random_values<TestType>(one.batch * one.k * one.n + 1, 2);
      std::vector<TestType> c(static_cast<size_t>(one.batch * one.m * one.n), TestType(9)), expected = c;
      BatchedGemmArgs<TestType> args;
      args.first.m = one.m, args.first.n = one.n, args.first.k = one.k;
      args.first.a = a.data(), args.first.a_row = one.k;
      args.first.b = b.data(), args.first.b_row = one.n;
      args.first.c = c.data(), args.first.c_row = one.n;
      args.batch = one.batch;
      args.a_batch = one.share_a ? 0 : one.m * one.k;
      args.b_batch = one.share_b ? 0 : one.k * one.n;
      args.c_batch = one.m * one.n;
      batched_gemm(args);
      for (int64_t i = 0; i < one.batch; ++i) {
        GemmArgs<TestType> single = args.first;
        single.a += i * args.a_batch, single.b += i * args.b_batch;
        single.c = expected.data() + i * args.c_batch;
        gemm(single);
      }
      for (size_t i = 0; i < c.size(); ++i) REQUIRE(c[i] == Approx(expected[i]).margin(1e-5));
    }
  });
}

TEMPLATE_TEST_CASE("gemm finishes its result with the loops of the elementwise kernels", "[gemm]", float, double) {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    for (auto [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{7, 16, 13},
                           {1, 41, 67},
                           {89, 1, 31},
                           {211, 307, 263},
                           {31, 29, 4099},
                           {3, 5, 0}})
      for (int64_t gap : {0, 3}) {
        const auto a = random_values<TestType>(m * k + 1, 1), b = random_values<TestType>(k * n + 1, 2);
        const int64_t c_row = n + gap;
        const auto bias = random_values<TestType>(n, 3), residual = random_values<TestType>(m * c_row, 4);
        std::vector<TestType> plain(static_cast<size_t>(m * c_row), TestType(9)), kept = plain, out = plain;
        GemmArgs<TestType> args;
        args.m = m, args.n = n, args.k = k;
        args.a = a.data(), args.a_row = k;
        args.b = b.data(), args.b_row = n;
        args.c = plain.data(), args.c_row = c_row;
        args.bias = bias.data();
        gemm(args);
        auto finished = plain;
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j) {
            auto at = static_cast<size_t>(i * c_row + j);
            finished[at] = (plain[at] > 0 ? plain[at] : TestType(0)) + residual[at];
          }
        args.activation = op::Activation::relu;
        args.residual = residual.data();
        args.c = kept.data();
        args.out = out.data();
        gemm(args);
        INFO("m " << m << " n " << n << " k " << k << " gap " << gap);
        REQUIRE(same_bits(kept, plain));
        REQUIRE(same_bits(out, finished));
        args.c = out.data();
        args.out = nullptr;
        gemm(args);
        REQUIRE(same_bits(out, finished));
      }
  });
}

TEMPLATE_TEST_CASE("gemm gives the same bits at any number of threads", "[gemm][threads]", float, double) {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    for (auto [m, n, k, tb] : {std::tuple<int64_t, int64_t, int64_t, bool>{131, 257, 389, false},
                               {131, 257, 389, true},
                               {1, 2003, 997, false},
                               {1, 2003, 997, true},
                               {64, 64, 2003, false},
                               {31, 29, 4099, true},
                               {3, 1021, 521, false},
                               {13, 1021, 521, true}}) {
      Matrix<TestType> a(m, k, false, 1, 5), b(k, n, tb, 1, 6);
      std::vector<TestType> one_thread;
      for (int threads : {1, 2, 4}) {
        set_num_threads(threads);
        std::vector<TestType> c(static_cast<size_t>(m * n));
        GemmArgs<TestType> args;
        args.m = m, args.n = n, args.k = k;
        args.a = a.data(), args.a_row = a.row, args.a_col = a.col;
        args.b = b.data(), args.b_row = b.row, args.b_col = b.col;
        args.c = c.data(), args.c_row = n;
        gemm(args);
        if (threads == 1) one_thread = c;
        REQUIRE(same_bits(c, one_thread));
      }
    }
  });
}
