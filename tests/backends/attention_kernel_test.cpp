#include <weft/tests/backends/attention_check.hpp>

using namespace weft;
using namespace weft::test;

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

TEST_CASE("attention gives the same bits at any number of threads", "[attention][threads]") {
  auto c = GENERATE(sized(5, 16, 64, 4, 4, 32, 32), sized(1, 193, 601, 2, 1, 32, 24));
  c.causal = GENERATE(Causal::none, Causal::bottom_right);
  c.null_slot = true;
  c.bias_axes = 7;
  c.dropout_rate = 0.2;
  CpuGuard guard;
  std::vector<std::vector<float>> first;
  for (int count : {1, 2, 4}) {
    set_num_threads(count);
    AttentionProblem<float> problem(c);
    run_cpu(problem);
    std::vector<std::vector<float>> all;
    for (auto& named : problem.results()) all.push_back(*named.data);
    for (auto& named : problem.gradients()) all.push_back(*named.data);
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i) REQUIRE(same_bits(all[i], first[i]));
  }
}
