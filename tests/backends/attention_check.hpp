#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <weft/backends/cpu/attention.hpp>
#include <weft/backends/reference/attention.hpp>
#include <weft/tests/backends/attention_problem.hpp>
#include <weft/tests/backends/isa_helpers.hpp>

namespace weft::test {

/// Runs f under every instruction set that there is, which a failure names.
template <class F> void under_every_isa(F&& f) {
  for_each_isa([&](const std::string& isa) {
    INFO("instruction set " << isa);
    f();
  });
}

template <class T> void require_close(const std::vector<T>& got, const std::vector<T>& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  double largest = 1;
  for (T e : expected)
    if (std::isfinite(e)) largest = std::max(largest, std::abs(static_cast<double>(e)));
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i] == expected[i]) continue;
    double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    if (error <= tolerance * largest) continue;
    INFO("element " << i << " of " << got.size() << ": got " << got[i] << ", expected " << expected[i]);
    REQUIRE(error <= tolerance * largest);
  }
}

template <class T> void run_cpu(AttentionProblem<T>& problem) {
  AttentionArgs<T> args = problem.args();
  cpu::attention_forward(args);
  cpu::attention_backward(problem.grad_args(args));
}
template <class T> void run_reference(AttentionProblem<T>& problem) {
  AttentionArgs<T> args = problem.args();
  reference_attention_forward(args);
  reference_attention_backward(problem.grad_args(args));
}

/// Without the weights, which take the common path.
template <class T, class Forward, class Backward>
void run_plain(AttentionProblem<T>& problem, Forward&& forward, Backward&& backward) {
  AttentionArgs<T> args = problem.args();
  args.weights = nullptr;
  problem.weights.clear();
  forward(args);
  AttentionGradArgs<T> grad = problem.grad_args(args);
  grad.d_weights = nullptr;
  backward(grad);
}

template <class T> void compare_all(AttentionProblem<T>& got, AttentionProblem<T>& expected, double tolerance) {
  auto compare = [&](auto a, auto b) {
    for (size_t i = 0; i < a.size(); ++i) {
      INFO(a[i].name);
      require_close(*a[i].data, *b[i].data, tolerance);
    }
  };
  compare(got.results(), expected.results());
  compare(got.gradients(), expected.gradients());
}

template <class T> void check(const AttentionCase& c, uint32_t seed = 1) {
  AttentionProblem<T> expected(c, seed), got(c, seed);
  run_reference(expected);
  under_every_isa([&] {
    run_cpu(got);
    compare_all(got, expected, sizeof(T) == 4 ? 1e-5 : 1e-12);
  });
}

/// In both types, with and without cotangents of the weights and the logsumexp.
inline void check_case(AttentionCase c) {
  for (bool all : {false, true}) {
    c.all_cotangents = all;
    INFO("all cotangents " << all);
    {
      INFO("float");
      check<float>(c);
    }
    {
      INFO("double");
      check<double>(c);
    }
  }
}

inline AttentionCase sized(int64_t batch, int64_t lq, int64_t lk, int64_t heads, int64_t kv_heads, int64_t d,
                           int64_t dv) {
  AttentionCase c;
  c.batch = batch, c.query_length = lq, c.key_length = lk, c.heads = heads, c.kv_heads = kv_heads;
  c.head_dim = d, c.value_dim = dv;
  return c;
}

/// In both types, without the weights.
inline void check_plain(const AttentionCase& c) {
  auto check = [&]<class T>(T) {
    AttentionProblem<T> expected(c), got(c);
    run_plain(expected, reference_attention_forward<T>, reference_attention_backward<T>);
    under_every_isa([&] {
      run_plain(got, cpu::attention_forward<T>, cpu::attention_backward<T>);
      compare_all(got, expected, sizeof(T) == 4 ? 1e-5 : 1e-12);
    });
  };
  check(1.0f);
  check(1.0);
}

}  // namespace weft::test
