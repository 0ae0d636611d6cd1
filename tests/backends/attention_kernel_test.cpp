#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <weft/backends/cpu/attention.hpp>
#include <weft/backends/reference/attention.hpp>
#include <weft/tests/backends/attention_problem.hpp>
#include <weft/tests/backends/isa_helpers.hpp>

using namespace weft;
using weft::test::AttentionCase;
using weft::test::AttentionProblem;

namespace {

/// Runs f under every instruction set that there is, which a failure names.
template <class F> void under_every_isa(F&& f) {
  weft::test::for_each_isa([&](const std::string& isa) {
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
void check_case(AttentionCase c) {
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

AttentionCase sized(int64_t batch, int64_t lq, int64_t lk, int64_t heads, int64_t kv_heads, int64_t d, int64_t dv) {
  AttentionCase c;
  c.batch = batch, c.query_length = lq, c.key_length = lk, c.heads = heads, c.kv_heads = kv_heads;
  c.head_dim = d, c.value_dim = dv;
  return c;
}

/// In both types, without the weights.
void check_plain(const AttentionCase& c) {
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

}  // namespace

TEST_CASE("attention kernels equal the reference over shapes", "[attention]") {
  auto c = GENERATE(sized(2, 7, 11, 2, 2, 5, 5), sized(1, 1, 1, 1, 1, 1, 1), sized(1, 1, 193, 3, 1, 32, 32),
                    sized(3, 16, 64, 4, 4, 32, 32), sized(1, 67, 131, 2, 1, 64, 64), sized(2, 193, 29, 3, 3, 16, 48),
                    sized(1, 131, 331, 4, 2, 24, 7), sized(1, 65, 193, 6, 2, 17, 33), sized(1, 5, 601, 2, 2, 80, 3),
                    sized(1, 331, 517, 1, 1, 8, 16), sized(2, 13, 19, 2, 2, 128, 96));
  INFO(c.batch << " x " << c.query_length << " x " << c.key_length << ", heads " << c.heads << " / " << c.kv_heads
               << ", sizes " << c.head_dim << ", " << c.value_dim);
  check_case(c);
}

TEST_CASE("attention of many queries whose keys lie powers of two apart", "[attention]") {
  AttentionCase c = sized(2, 521, 131, 4, 4, 128, GENERATE(19, 48));
  switch (GENERATE(0, 1, 2)) {
    case 1:
      c.key_lengths = {131, 67};
      c.null_slot = true;
      break;
    case 2:
      c.mask_axes = 15;
      c.dropout_rate = 0.3;
      break;
  }
  INFO("value size " << c.value_dim << ", mask " << c.mask_axes);
  check_plain(c);
}

TEST_CASE("attention kernels take empty axes", "[attention]") {
  auto c = GENERATE(sized(0, 7, 11, 2, 2, 5, 5), sized(2, 0, 11, 2, 2, 5, 5), sized(2, 7, 0, 2, 2, 5, 5),
                    sized(2, 7, 11, 0, 1, 5, 5), sized(2, 0, 0, 2, 2, 5, 5));
  c.null_slot = GENERATE(false, true);
  c.fully_masked = GENERATE(FullyMasked::zero, FullyMasked::uniform);
  c.bias_axes = GENERATE(-1, 15, 0);
  INFO(c.batch << " x " << c.query_length << " x " << c.key_length << " null " << c.null_slot << " bias "
               << c.bias_axes);
  check_case(c);
}

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

TEST_CASE("attention gradients of heads so wide that few keys fit into a cache", "[attention]") {
  AttentionCase c = sized(1, 193, 331, 2, 1, 521, 499);
  switch (GENERATE(0, 1, 2)) {
    case 1:
      c.causal = Causal::bottom_right;
      c.null_slot = true;
      c.fully_masked = FullyMasked::uniform;
      break;
    case 2:
      c.window_left = 150, c.window_right = 3;
      c.dropout_rate = 0.3;
      break;
  }
  INFO("causal " << int(c.causal) << ", window " << c.window_left);
  check_plain(c);
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

TEST_CASE("attention of a few queries", "[attention]") {
  AttentionCase c = sized(3, GENERATE(1, 2, 3, 4), GENERATE(1, 67, 331), 4, GENERATE(2, 4), GENERATE(16, 64), 48);
  auto how = GENERATE(0, 1, 2, 3);
  if (how == 1) c.mask_axes = 15;
  if (how == 2) c.causal = Causal::bottom_right, c.window_left = 40;
  if (how == 3) c.key_lengths = {0, 1, static_cast<int32_t>(c.key_length)}, c.query_lengths = {1, 1, 0};
  INFO(c.query_length << " x " << c.key_length << ", size " << c.head_dim << ", key heads " << c.kv_heads << ", how "
                      << how);
  check_plain(c);
}

TEST_CASE("attention of short sequences", "[attention]") {
  auto c = GENERATE(sized(3, 10, 10, 4, 4, 12, 12), sized(3, 1, 10, 4, 4, 12, 12), sized(2, 16, 17, 3, 3, 5, 7),
                    sized(2, 17, 16, 4, 2, 16, 16), sized(2, 31, 31, 2, 1, 13, 20), sized(2, 32, 33, 2, 2, 16, 33),
                    sized(2, 5, 1, 1, 1, 3, 1), sized(1, 13, 127, 2, 2, 8, 8), sized(2, 7, 131, 2, 1, 4, 4));
  const int options = GENERATE(range(0, 32));
  if (options & 1) c.mask_axes = 15;
  if (options & 2) c.causal = Causal::bottom_right, c.window_left = 7;
  if (options & 4) {
    c.key_lengths = {static_cast<int32_t>(c.key_length / 2), 0, static_cast<int32_t>(c.key_length)};
    c.query_lengths = {static_cast<int32_t>(c.query_length), static_cast<int32_t>(c.query_length / 2 + 1), 0};
  }
  if (options & 8) c.null_slot = true;
  if (options & 16) c.dropout_rate = 0.3, c.dropout_broadcast = (options & 1) != 0;
  INFO(c.query_length << " x " << c.key_length << ", heads " << c.heads << " / " << c.kv_heads << ", sizes "
                      << c.head_dim << ", " << c.value_dim << ", options " << options);
  c.all_cotangents = (options & 8) == 0;
  check_plain(c);
}

TEST_CASE("attention of short sequences: what is masked does not leak", "[attention]") {
  AttentionCase c = sized(2, 10, 11, 2, GENERATE(1, 2), 12, 16);
  c.mask_axes = 11;
  c.null_slot = GENERATE(false, true);
  AttentionProblem<float> clean(c);
  // Of batch entry 1, nobody sees key 3, and query 5 sees no key.
  uint8_t* mask = clean.mask.data() + c.query_length * c.key_length;
  for (int64_t q = 0; q < c.query_length; ++q) mask[q * c.key_length + 3] = 0;
  for (int64_t k = 0; k < c.key_length; ++k) mask[5 * c.key_length + k] = 0;
  AttentionProblem<float> problem = clean;
  const float poison = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  auto spoil = [&](std::vector<float>& x, int64_t row, int64_t columns) {
    std::fill_n(x.begin() + row * columns, columns, poison);
  };
  spoil(problem.key, c.key_length + 3, c.kv_heads * c.head_dim);
  spoil(problem.value, c.key_length + 3, c.kv_heads * c.value_dim);
  if (!c.null_slot) {
    spoil(problem.query, c.query_length + 5, c.heads * c.head_dim);
    spoil(problem.d_out, c.query_length + 5, c.heads * c.value_dim);
  }
  run_plain(clean, reference_attention_forward<float>, reference_attention_backward<float>);
  under_every_isa([&] {
    run_plain(problem, cpu::attention_forward<float>, cpu::attention_backward<float>);
    compare_all(problem, clean, 1e-5);
  });
}

TEST_CASE("attention of short sequences: what is masked changes no bit", "[attention]") {
  AttentionCase c = sized(2, 10, 11, 2, GENERATE(1, 2), 12, 16);
  c.null_slot = GENERATE(false, true);
  c.dropout_rate = GENERATE(0.0, 0.3);
  const bool causal = GENERATE(false, true);
  const int64_t bad = 7;
  if (causal) c.causal = Causal::top_left;
  else c.mask_axes = 1;
  AttentionProblem<float> clean(c);
  if (!causal) clean.mask[static_cast<size_t>(bad)] = 0;
  AttentionProblem<float> problem = clean;
  auto spoil = [&](std::vector<float>& x, int64_t columns) {
    std::fill_n(x.begin() + bad * columns, columns, std::numeric_limits<float>::quiet_NaN());
  };
  spoil(problem.key, c.kv_heads * c.head_dim);
  spoil(problem.value, c.kv_heads * c.value_dim);
  // The mask hides the key from all queries, the causal rule from those before it.
  const int64_t blind = causal ? bad : c.query_length;
  under_every_isa([&] {
    for (AttentionProblem<float>* each : {&clean, &problem})
      run_plain(*each, cpu::attention_forward<float>, cpu::attention_backward<float>);
    auto same = [](const std::vector<float>& a, const std::vector<float>& b, int64_t count) {
      return std::equal(a.begin(), a.begin() + count, b.begin());
    };
    CHECK(same(problem.out, clean.out, blind * c.heads * c.value_dim));
    CHECK(same(problem.d_query, clean.d_query, blind * c.heads * c.head_dim));
    if (causal) return;
    CHECK(problem.d_key == clean.d_key);
    CHECK(problem.d_value == clean.d_value);
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

TEST_CASE("attention on strided operands", "[attention]") {
  AttentionCase c = sized(2, 19, 41, 2, 2, 16, 16);
  AttentionProblem<double> problem(c), plain(c);
  run_reference(plain);
  // Keys and values side by side, [batch, length, heads, 2, features], queries and results as [batch, heads, length,
  // features].
  const int64_t d = c.head_dim, lk = c.key_length, lq = c.query_length, h = c.heads;
  std::vector<double> both(plain.key.size() * 2), d_both(both.size()), query(plain.query.size()), out(query.size()),
      d_query(query.size());
  for (size_t i = 0; i < plain.key.size(); ++i) {
    size_t row = i / 16, feature = i % 16;
    both[row * 32 + feature] = plain.key[i];
    both[row * 32 + 16 + feature] = plain.value[i];
  }
  auto swapped = [&](size_t i) {
    size_t feature = i % 16, head = i / 16 % 2, position = i / 32 % 19, batch = i / (32 * 19);
    return ((batch * 2 + head) * 19 + position) * 16 + feature;
  };
  for (size_t i = 0; i < query.size(); ++i) query[swapped(i)] = plain.query[i];
  under_every_isa([&] {
    AttentionArgs<double> args = problem.args();
    args.key = {both.data(), lk * h * 2 * d, h * 2 * d, 2 * d};
    args.value = {both.data() + d, lk * h * 2 * d, h * 2 * d, 2 * d};
    args.query = {query.data(), h * lq * d, d, lq * d};
    args.out = {out.data(), h * lq * d, d, lq * d};
    cpu::attention_forward(args);
    AttentionGradArgs<double> grad = problem.grad_args(args);
    grad.d_key = {d_both.data(), lk * h * 2 * d, h * 2 * d, 2 * d};
    grad.d_value = {d_both.data() + d, lk * h * 2 * d, h * 2 * d, 2 * d};
    grad.d_query = {d_query.data(), h * lq * d, d, lq * d};
    cpu::attention_backward(grad);
    for (size_t i = 0; i < query.size(); ++i) {
      REQUIRE(out[swapped(i)] == Approx(plain.out[i]).margin(1e-12));
      REQUIRE(d_query[swapped(i)] == Approx(plain.d_query[i]).margin(1e-12));
    }
    for (size_t i = 0; i < plain.key.size(); ++i) {
      REQUIRE(d_both[i / 16 * 32 + i % 16] == Approx(plain.d_key[i]).margin(1e-12));
      REQUIRE(d_both[i / 16 * 32 + 16 + i % 16] == Approx(plain.d_value[i]).margin(1e-12));
    }
  });
}

TEST_CASE("attention gradients that are not asked for", "[attention]") {
  AttentionCase c = sized(2, 19, 41, 4, 2, 8, 8);
  c.null_slot = GENERATE(false, true);
  c.bias_axes = 3;
  AttentionProblem<float> whole(c), part(c);
  run_cpu(whole);
  for (int wanted : {1, 2, 4, 8}) {
    AttentionArgs<float> args = part.args();
    args.weights = nullptr;
    cpu::attention_forward(args);
    AttentionGradArgs<float> grad = part.grad_args(args);
    if (wanted != 1) grad.d_query.data = nullptr;
    if (wanted != 2) grad.d_key.data = nullptr, grad.d_null_key = nullptr;
    if (wanted != 4) grad.d_value.data = nullptr, grad.d_null_value = nullptr;
    if (wanted != 8) grad.d_bias.data = nullptr;
    cpu::attention_backward(grad);
    if (wanted == 1) REQUIRE(part.d_query == whole.d_query);
    if (wanted == 2) REQUIRE(part.d_key == whole.d_key);
    if (wanted == 4) REQUIRE(part.d_value == whole.d_value);
    if (wanted == 8) REQUIRE(part.d_bias == whole.d_bias);
  }
}

TEST_CASE("attention: the reference's gradient equals finite differences", "[attention]") {
  AttentionCase c = sized(2, 3, 5, 4, 2, 3, 2);
  c.null_slot = GENERATE(false, true);
  c.soft_cap = GENERATE(0.0, 1.3);
  c.dropout_rate = GENERATE(0.0, 0.3);
  c.fully_masked = GENERATE(FullyMasked::zero, FullyMasked::uniform);
  c.bias_axes = GENERATE(15, 6);
  c.mask_axes = 15;
  c.masked_share = 0.5;
  c.query_lengths = {3, 2};
  c.all_cotangents = true;
  AttentionProblem<double> problem(c);
  auto loss = [&] {
    reference_attention_forward(problem.args());
    double sum = 0;
    for (size_t i = 0; i < problem.out.size(); ++i) sum += problem.out[i] * problem.d_out[i];
    for (size_t i = 0; i < problem.weights.size(); ++i) sum += problem.weights[i] * problem.d_weights[i];
    for (size_t i = 0; i < problem.logsumexp.size(); ++i)
      if (std::isfinite(problem.logsumexp[i])) sum += problem.logsumexp[i] * problem.d_logsumexp[i];
    return sum;
  };
  run_reference(problem);
  auto gradients = problem.gradients();
  auto inputs = problem.inputs();
  for (size_t n = 0; n < inputs.size(); ++n) {
    INFO(inputs[n].name);
    std::vector<double> analytic = *gradients[n].data;
    for (size_t i = 0; i < analytic.size(); ++i) {
      double& x = (*inputs[n].data)[i];
      const double before = x, step = 1e-5;
      x = before + step;
      double above = loss();
      x = before - step;
      double below = loss();
      x = before;
      REQUIRE(analytic[i] == Approx((above - below) / (2 * step)).epsilon(1e-6).margin(1e-7));
    }
  }
}

TEST_CASE("attention gives the same bits at any number of threads", "[attention][threads]") {
  auto c = GENERATE(sized(5, 16, 64, 4, 4, 32, 32), sized(1, 193, 601, 2, 1, 32, 24));
  c.causal = GENERATE(Causal::none, Causal::bottom_right);
  c.null_slot = true;
  c.bias_axes = 7;
  c.dropout_rate = 0.2;
  weft::test::CpuGuard guard;
  std::vector<std::vector<float>> first;
  for (int count : {1, 2, 4}) {
    set_num_threads(count);
    AttentionProblem<float> problem(c);
    run_cpu(problem);
    std::vector<std::vector<float>> all;
    for (auto& named : problem.results()) all.push_back(*named.data);
    for (auto& named : problem.gradients()) all.push_back(*named.data);
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i) REQUIRE(weft::test::same_bits(all[i], first[i]));
  }
}

TEST_CASE("attention of short sequences gives the same bits at any number of threads", "[attention][threads]") {
  AttentionCase c = sized(97, 10, 10, 4, 4, 12, 12);
  c.key_lengths.assign(97, 7);
  c.dropout_rate = GENERATE(0.0, 0.2);
  weft::test::CpuGuard guard;
  std::vector<std::vector<float>> first;
  for (int count : {1, 2, 4}) {
    set_num_threads(count);
    AttentionProblem<float> problem(c);
    run_plain(problem, cpu::attention_forward<float>, cpu::attention_backward<float>);
    std::vector<std::vector<float>> all{problem.out, problem.logsumexp};
    for (auto& named : problem.gradients()) all.push_back(*named.data);
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i) REQUIRE(weft::test::same_bits(all[i], first[i]));
  }
}
