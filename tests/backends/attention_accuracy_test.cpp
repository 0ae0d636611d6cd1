// How far float32 attention is from float64, on inputs of unit variance.

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <weft/backends/cpu/attention.hpp>
#include <weft/backends/reference/attention.hpp>
#include <weft/tests/backends/attention_problem.hpp>
#include <weft/tests/backends/isa_helpers.hpp>

using namespace weft;
using weft::test::AttentionCase;
using weft::test::AttentionProblem;

namespace {

template <class T> double largest(const std::vector<T>& x) {
  double most = 0;
  for (T element : x) most = std::max(most, std::abs(static_cast<double>(element)));
  return most;
}

double largest_error(const std::vector<float>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  double most = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    REQUIRE(std::isfinite(got[i]));
    most = std::max(most, std::abs(static_cast<double>(got[i]) - expected[i]));
  }
  return most;
}

AttentionCase sized(int64_t query_length, int64_t key_length, int64_t features, Causal causal) {
  AttentionCase c;
  c.batch = 1, c.heads = c.kv_heads = 2;
  c.query_length = query_length, c.key_length = key_length;
  c.head_dim = c.value_dim = features;
  c.causal = causal;
  return c;
}

/// The float64 problem holds the float32 one's numbers.
void copy_inputs(AttentionProblem<float>& from, AttentionProblem<double>& to) {
  auto convert = [](const std::vector<float>& x, std::vector<double>& y) { y.assign(x.begin(), x.end()); };
  convert(from.query, to.query);
  convert(from.key, to.key);
  convert(from.value, to.value);
  convert(from.d_out, to.d_out);
}

}  // namespace

TEST_CASE("attention in float32 is as accurate as promised", "[attention]") {
  auto c = GENERATE(sized(149, 233, 32, Causal::none), sized(16, 64, 32, Causal::none),
                    sized(131, 131, 64, Causal::top_left), sized(67, 521, 64, Causal::none),
                    sized(97, 257, 128, Causal::bottom_right), sized(3, 601, 64, Causal::none));
  INFO(c.query_length << " x " << c.key_length << " x " << c.head_dim << ", causal " << int(c.causal));
  AttentionProblem<float> problem(c, 7);
  AttentionProblem<double> exact(c, 7);
  copy_inputs(problem, exact);
  AttentionArgs<double> exact_args = exact.args();
  reference_attention_forward(exact_args);
  reference_attention_backward(exact.grad_args(exact_args));
  weft::test::for_each_isa([&](const std::string& isa) {
    INFO("instruction set " << isa);
    AttentionArgs<float> args = problem.args();
    cpu::attention_forward(args);
    cpu::attention_backward(problem.grad_args(args));
    CHECK(largest_error(problem.out, exact.out) <= 2e-6 * largest(problem.value));
    CHECK(largest_error(problem.d_query, exact.d_query) <= 4e-6 * largest(exact.d_query));
    CHECK(largest_error(problem.d_key, exact.d_key) <= 4e-6 * largest(exact.d_key));
    CHECK(largest_error(problem.d_value, exact.d_value) <= 4e-6 * largest(exact.d_value));
  });
}

TEST_CASE("attention's exponential is good to 2e-6", "[attention]") {
  // Two keys with the logits 0 and -x: the weights' ratio is e^-x.
  AttentionCase c = sized(2003, 2, 1, Causal::none);
  c.batch = 1, c.heads = c.kv_heads = 1;
  AttentionProblem<float> problem(c);
  problem.call.scale = 1;
  problem.key = {0, -1};
  for (size_t i = 0; i < problem.query.size(); ++i) problem.query[i] = 40.0f * static_cast<float>(i) / 2003;
  weft::test::for_each_isa([&](const std::string& isa) {
    INFO("instruction set " << isa);
    cpu::attention_forward(problem.args());
    for (size_t i = 0; i < problem.query.size(); ++i) {
      const double ratio =
          static_cast<double>(problem.weights[2 * i + 1]) / static_cast<double>(problem.weights[2 * i]);
      // The logits themselves are rounded in base 2, which the exponential repeats.
      const double x = problem.query[i], rounding = 1.2e-7 * x;
      INFO("x " << x << ", ratio " << ratio);
      REQUIRE(std::abs(ratio / std::exp(-x) - 1) <= 2e-6 + rounding);
    }
  });
}

TEST_CASE("attention's logits may grow from key to key", "[attention]") {
  // Every block of keys, and every tile within one, raises the largest logit by far.
  AttentionCase c = sized(67, 331, 16, GENERATE(Causal::none, Causal::bottom_right));
  c.null_slot = GENERATE(false, true);
  const double step = GENERATE(0.1, 3.0, 20.0);
  AttentionProblem<float> problem(c), expected(c);
  for (int64_t k = 0; k < c.key_length; ++k)
    for (int64_t i = 0; i < c.heads * c.head_dim; ++i) {
      const auto at = static_cast<size_t>(k * c.heads * c.head_dim + i);
      problem.key[at] = static_cast<float>(step * static_cast<double>(k) / c.head_dim) + 0.1f * problem.key[at];
    }
  for (float& q : problem.query) q = 1 + 0.1f * q;
  expected.key = problem.key;
  expected.query = problem.query;
  reference_attention_forward(expected.args());
  weft::test::for_each_isa([&](const std::string& isa) {
    INFO("instruction set " << isa << ", step " << step);
    AttentionArgs<float> args = problem.args();
    cpu::attention_forward(args);
    cpu::attention_backward(problem.grad_args(args));
    // Logits of up to thousands are themselves rounded.
    const double tolerance = 1e-5 + 1e-6 * step * static_cast<double>(c.key_length);
    for (size_t i = 0; i < expected.out.size(); ++i)
      REQUIRE(std::abs(problem.out[i] - expected.out[i]) <= tolerance * largest(problem.value));
    for (auto& gradient : problem.gradients())
      for (float x : *gradient.data) REQUIRE(std::isfinite(x));
  });
}
