#include <cmath>
#include <limits>
#include <tuple>

#include <weft/tests/backends/attention_check.hpp>

using namespace weft;
using namespace weft::test;

TEST_CASE("attention masks of every broadcast shape", "[attention]") {
  auto c = GENERATE(sized(2, 7, 11, 2, 2, 5, 5), sized(2, 67, 149, 2, 1, 16, 8));
  c.mask_axes = GENERATE(range(0, 16));
  c.fully_masked = GENERATE(FullyMasked::zero, FullyMasked::uniform);
  INFO("axes " << c.mask_axes << ", " << c.query_length << " x " << c.key_length);
  check_case(c);
}

TEST_CASE("attention bias of every broadcast shape, with its gradient", "[attention]") {
  auto c = GENERATE(sized(2, 7, 11, 2, 2, 5, 5), sized(2, 67, 149, 2, 1, 16, 8));
  c.bias_axes = GENERATE(range(0, 16));
  c.causal = GENERATE(Causal::none, Causal::bottom_right);
  INFO("axes " << c.bias_axes << ", " << c.query_length << " x " << c.key_length);
  check_case(c);
}

TEST_CASE("attention causal masks, windows and lengths", "[attention]") {
  auto c = GENERATE(sized(3, 13, 13, 2, 2, 8, 8), sized(3, 71, 193, 2, 1, 16, 16), sized(3, 193, 71, 1, 1, 16, 16));
  c.causal = GENERATE(Causal::none, Causal::top_left, Causal::bottom_right);
  std::tie(c.window_left, c.window_right) = GENERATE(table<int64_t, int64_t>(
      {{-1, -1}, {0, 0}, {5, -1}, {-1, 3}, {17, 2}, {150, 150}, {std::numeric_limits<int64_t>::max(), 1}}));
  c.fully_masked = GENERATE(FullyMasked::zero, FullyMasked::uniform);
  if (GENERATE(false, true)) {
    c.query_lengths = {5, static_cast<int32_t>(c.query_length), 0};
    c.key_lengths = {static_cast<int32_t>(c.key_length), 3, 9};
  }
  INFO("causal " << int(c.causal) << ", window " << c.window_left << " " << c.window_right << ", " << c.query_length
                 << " x " << c.key_length << ", lengths " << !c.key_lengths.empty());
  check_case(c);
}

TEST_CASE("attention with a null slot, soft cap, dropout, and all at once", "[attention]") {
  auto c = GENERATE(sized(2, 7, 11, 4, 2, 5, 5), sized(2, 67, 149, 2, 1, 16, 24));
  c.null_slot = GENERATE(false, true);
  c.soft_cap = GENERATE(0.0, 1.5);
  c.dropout_rate = GENERATE(0.0, 0.3);
  c.dropout_broadcast = GENERATE(false, true);
  c.fully_masked = GENERATE(FullyMasked::zero, FullyMasked::uniform);
  if (GENERATE(false, true)) {
    c.mask_axes = 15;
    c.bias_axes = 7;
    c.masked_share = 0.8;
    c.query_lengths = {static_cast<int32_t>(c.query_length), 6};
    c.key_lengths = {8, static_cast<int32_t>(c.key_length)};
    c.causal = Causal::bottom_right;
  }
  INFO("null " << c.null_slot << ", cap " << c.soft_cap << ", rate " << c.dropout_rate << ", " << c.query_length
               << " x " << c.key_length << ", mask " << c.mask_axes);
  check_case(c);
}

TEST_CASE("attention rows that see nothing are exactly zero", "[attention]") {
  AttentionCase c = sized(2, 67, 149, 2, 2, 16, 16);
  c.mask_axes = 15;
  auto hide = GENERATE(0, 1, 2);  // by the mask, by a bias of -inf, by a key length of 0
  if (hide == 1) c.bias_axes = 15;
  if (hide == 2) c.key_lengths = {149, 0};
  AttentionProblem<float> problem(c);
  // Queries 3, 40 and 66 of batch entry 1 see nothing.
  std::vector<int64_t> blind{3, 40, 66};
  for (int64_t h = 0; h < c.heads; ++h)
    for (int64_t q : blind)
      for (int64_t k = 0; k < c.key_length; ++k) {
        size_t at = static_cast<size_t>(((c.heads + h) * c.query_length + q) * c.key_length + k);
        if (hide == 0) problem.mask[at] = 0;
        if (hide == 1) problem.bias[at] = -std::numeric_limits<float>::infinity();
      }
  // What they hold must not matter.
  for (int64_t q : blind)
    for (int64_t i = 0; i < c.heads * c.head_dim; ++i) {
      size_t at = static_cast<size_t>((c.query_length + q) * c.heads * c.head_dim + i);
      problem.query[at] = std::numeric_limits<float>::quiet_NaN();
      problem.d_out[at] = std::numeric_limits<float>::quiet_NaN();
    }
  under_every_isa([&] {
    run_cpu(problem);
    for (int64_t q : blind) {
      for (int64_t i = 0; i < c.heads * c.head_dim; ++i) {
        size_t at = static_cast<size_t>((c.query_length + q) * c.heads * c.head_dim + i);
        REQUIRE(problem.out[at] == 0);
        REQUIRE(problem.d_query[at] == 0);
      }
      for (int64_t h = 0; h < c.heads; ++h)
        REQUIRE(problem.logsumexp[static_cast<size_t>((c.query_length + q) * c.heads + h)] ==
                -std::numeric_limits<float>::infinity());
    }
    for (auto& gradient : problem.gradients())
      for (float x : *gradient.data) REQUIRE(std::isfinite(x));
  });
}

TEST_CASE("attention: what a masked key or value holds does not leak", "[attention]") {
  AttentionCase c = sized(2, 67, 149, 2, 1, 16, 16);
  auto how = GENERATE(0, 1, 2, 3);
  const int64_t bad = 37;
  const float poison = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  if (how == 0) c.mask_axes = 1;
  if (how == 1) c.key_lengths = {149, 37};
  if (how == 2) c.causal = Causal::top_left;
  if (how == 3) c.bias_axes = 3;
  INFO("how " << how << ", poison " << poison);
  AttentionProblem<float> clean(c), problem(c);
  if (how == 0) clean.mask[bad] = 0;
  if (how == 3)
    for (int64_t q = 0; q < c.query_length; ++q)
      clean.bias[static_cast<size_t>(q * c.key_length + bad)] = -std::numeric_limits<float>::infinity();
  problem.mask = clean.mask;
  problem.bias = clean.bias;
  for (int64_t i = 0; i < c.head_dim; ++i) {
    size_t at = static_cast<size_t>((c.key_length + bad) * c.head_dim + i);
    problem.key[at] = problem.value[at] = poison;
  }
  run_reference(clean);
  under_every_isa([&] {
    run_cpu(problem);
    // Under a causal mask the queries from `bad` on see it; the others must not, nor anything of the other batch entry.
    const int64_t unaffected = how == 2 ? bad : c.query_length;
    const size_t row = static_cast<size_t>(c.heads * c.head_dim), first = static_cast<size_t>(c.query_length) * row;
    auto part = [&](const std::vector<float>& x, size_t begin, size_t end) {
      return std::vector<float>(x.begin() + static_cast<std::ptrdiff_t>(begin),
                                x.begin() + static_cast<std::ptrdiff_t>(end));
    };
    for (auto member : {&AttentionProblem<float>::out, &AttentionProblem<float>::d_query}) {
      size_t end = first + static_cast<size_t>(unaffected) * row;
      require_close(part(problem.*member, 0, end), part(clean.*member, 0, end), 1e-5);
      if (how == 2)
        for (size_t i = end; i < problem.out.size(); ++i) REQUIRE(!std::isfinite((problem.*member)[i]));
    }
    if (how != 2) {
      require_close(problem.d_key, clean.d_key, 1e-5);
      require_close(problem.d_value, clean.d_value, 1e-5);
      require_close(problem.d_bias, clean.d_bias, 1e-5);
      require_close(problem.weights, clean.weights, 1e-5);
    }
  });
}

TEST_CASE("attention: the lowest finite bias masks", "[attention]") {
  AttentionCase c = sized(1, 5, 19, 1, 1, 8, 8);
  c.bias_axes = 3;
  AttentionProblem<float> got(c), expected(c);
  for (size_t i = 0; i < got.bias.size(); ++i)
    if (i % 3 != 0 || i < 19) got.bias[i] = std::numeric_limits<float>::lowest();  // query 0: all of them
  expected.bias = got.bias;
  run_reference(expected);
  under_every_isa([&] {
    run_cpu(got);
    compare_all(got, expected, 1e-5);
    for (int64_t d = 0; d < c.value_dim; ++d) REQUIRE(got.out[static_cast<size_t>(d)] == 0);
  });
}
