#include <algorithm>
#include <limits>

#include <weft/tests/backends/attention_check.hpp>

using namespace weft;
using namespace weft::test;

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

TEST_CASE("attention of short sequences gives the same bits at any number of threads", "[attention][threads]") {
  AttentionCase c = sized(97, 10, 10, 4, 4, 12, 12);
  c.key_lengths.assign(97, 7);
  c.dropout_rate = GENERATE(0.0, 0.2);
  CpuGuard guard;
  std::vector<std::vector<float>> first;
  for (int count : {1, 2, 4}) {
    set_num_threads(count);
    AttentionProblem<float> problem(c);
    run_plain(problem, cpu::attention_forward<float>, cpu::attention_backward<float>);
    std::vector<std::vector<float>> all{problem.out, problem.logsumexp};
    for (auto& named : problem.gradients()) all.push_back(*named.data);
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i) REQUIRE(same_bits(all[i], first[i]));
  }
}
