// What attention's options cost: for each variant the time per multiply-add of a pair that the masks let through,
// relative to plain attention of 512 x 512, forward and backward. A table on standard output; not Google Benchmark's,
// since every figure is a ratio. Arguments: how many threads (1), and a part of the variants' names (all).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include <weft/backends/cpu/attention.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;

/// Aligned as tensors are.
struct Floats {
  std::unique_ptr<float[], void (*)(void*)> data{nullptr, std::free};
  size_t count = 0;
  explicit Floats(size_t n) : count(n) {
    data.reset(static_cast<float*>(std::aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64)));
    if (!data) throw std::bad_alloc();
  }
};

struct Variant {
  std::string name;
  int64_t batch = 2, heads = 8, kv_heads = 8, query_length = 512, key_length = 512, head_dim = 64, value_dim = 64;
  enum class Grid { none, per_head, per_key } mask = Grid::none, bias = Grid::none;
  Causal causal = Causal::none;
  int64_t window = -1;  // keys on either side
  bool lengths = false, null_slot = false, heads_first = false;
  double dropout_rate = 0, soft_cap = 0;
};

/// One problem with all its arrays.
class Problem {
 public:
  explicit Problem(const Variant& v) : random_(1) {
    AttentionArgs<float>& a = args.call;
    a.batch = v.batch, a.heads = v.heads, a.kv_heads = v.kv_heads;
    a.query_length = v.query_length, a.key_length = v.key_length;
    a.head_dim = v.head_dim, a.value_dim = v.value_dim;
    a.scale = 1 / std::sqrt(static_cast<double>(v.head_dim));
    a.causal = v.causal;
    a.window_left = a.window_right = v.window;
    a.dropout_rate = v.dropout_rate;
    a.soft_cap = v.soft_cap;
    const bool first = v.heads_first;
    a.query = constant(rows(v.batch, v.query_length, v.heads, v.head_dim, first));
    a.key = constant(rows(v.batch, v.key_length, v.kv_heads, v.head_dim, first));
    a.value = constant(rows(v.batch, v.key_length, v.kv_heads, v.value_dim, first));
    a.out = rows(v.batch, v.query_length, v.heads, v.value_dim, first);
    a.logsumexp = make(v.batch * v.query_length * v.heads);
    args.d_out = constant(rows(v.batch, v.query_length, v.heads, v.value_dim, first));
    args.d_query = rows(v.batch, v.query_length, v.heads, v.head_dim, first);
    args.d_key = rows(v.batch, v.key_length, v.kv_heads, v.head_dim, first);
    args.d_value = rows(v.batch, v.key_length, v.kv_heads, v.value_dim, first);
    if (v.null_slot) {
      a.null_key = make(v.kv_heads * v.head_dim);
      a.null_value = make(v.kv_heads * v.value_dim);
      args.d_null_key = make(v.kv_heads * v.head_dim);
      args.d_null_value = make(v.kv_heads * v.value_dim);
    }
    const int64_t pairs = v.heads * v.query_length * v.key_length;
    if (v.mask != Variant::Grid::none) {
      const bool whole = v.mask == Variant::Grid::per_head;
      mask_.resize(static_cast<size_t>(whole ? v.batch * pairs : v.batch * v.key_length));
      for (uint8_t& m : mask_) m = random_() % 4 != 0;
      a.mask.data = mask_.data();
      a.mask.key = 1;
      a.mask.batch = whole ? pairs : v.key_length;
      if (whole) a.mask.query = v.key_length, a.mask.head = v.query_length * v.key_length;
    }
    if (v.bias != Variant::Grid::none) { a.bias = {make(pairs), 0, v.query_length * v.key_length, v.key_length, 1}; }
    if (v.lengths) {
      for (int64_t b = 0; b < v.batch; ++b)
        lengths_.push_back(static_cast<int32_t>(v.key_length * (3 + 7 * b / v.batch) / 10));
      a.key_lengths = lengths_.data();
    }
    for (int64_t b = 0; b < v.batch; ++b)
      for (int64_t h = 0; h < v.heads; ++h)
        for (int64_t q = 0; q < v.query_length; ++q)
          for (int64_t k = 0; k < v.key_length; ++k) seen += sees(a, b, h, q, k) ? 1 : 0;
  }

  AttentionGradArgs<float> args;
  double seen = 0;

 private:
  static bool sees(const AttentionArgs<float>& a, int64_t b, int64_t h, int64_t q, int64_t k) {
    const int64_t at = a.causal == Causal::bottom_right ? q + a.key_length - a.query_length : q;
    if (a.causal != Causal::none && k > at) return false;
    if (a.window_left >= 0 && (k < at - a.window_left || k > at + a.window_right)) return false;
    if (a.key_lengths && k >= a.key_lengths[b]) return false;
    return !a.mask.data || a.mask.data[b * a.mask.batch + h * a.mask.head + q * a.mask.query + k * a.mask.key] != 0;
  }
  float* make(int64_t count) {
    arrays_.emplace_back(static_cast<size_t>(count));
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < count; ++i) arrays_.back().data[static_cast<size_t>(i)] = normal(random_);
    return arrays_.back().data.get();
  }
  HeadRows<float*> rows(int64_t batch, int64_t length, int64_t heads, int64_t features, bool heads_first) {
    float* data = make(batch * length * heads * features);
    if (heads_first) return {data, length * heads * features, features, length * features};
    return {data, length * heads * features, heads * features, features};
  }
  static HeadRows<const float*> constant(const HeadRows<float*>& r) { return {r.data, r.batch, r.length, r.head}; }

  std::mt19937 random_;
  std::vector<Floats> arrays_;
  std::vector<uint8_t> mask_;
  std::vector<int32_t> lengths_;
};

double best_seconds(const std::function<void()>& f) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9, total = 0;
  for (int i = 0; i < 3 || (total < 0.1 && i < 2000); ++i) {
    const auto begin = Clock::now();
    f();
    const double t = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::min(best, t);
    total += t;
  }
  return best;
}

std::vector<Variant> variants() {
  using Grid = Variant::Grid;
  std::vector<Variant> list;
  auto add = [&](const char* name, auto&& change) {
    Variant v;
    v.name = name;
    change(v);
    list.push_back(v);
  };
  auto sizes = [](Variant& v, int64_t lq, int64_t lk) { v.query_length = lq, v.key_length = lk; };
  auto widths = [](Variant& v, int64_t d, int64_t dv) { v.head_dim = d, v.value_dim = dv; };
  add("plain", [](Variant&) {});
  add("heads first", [](Variant& v) { v.heads_first = true; });
  add("boolean mask [B, H, Lq, Lk]", [](Variant& v) { v.mask = Grid::per_head; });
  add("boolean mask [B, 1, 1, Lk]", [](Variant& v) { v.mask = Grid::per_key; });
  add("bias [H, Lq, Lk]", [](Variant& v) { v.bias = Grid::per_head; });
  add("causal", [](Variant& v) { v.causal = Causal::top_left; });
  add("causal, bottom right, 256 x 768", [&](Variant& v) { v.causal = Causal::bottom_right, sizes(v, 256, 768); });
  add("window of 128", [](Variant& v) { v.window = 64; });
  add("key lengths", [](Variant& v) { v.lengths = true; });
  add("dropout 0.1", [](Variant& v) { v.dropout_rate = 0.1; });
  add("null slot", [](Variant& v) { v.null_slot = true; });
  add("soft cap", [](Variant& v) { v.soft_cap = 5; });
  add("sizes 64, 32", [&](Variant& v) { widths(v, 64, 32); });
  add("sizes 32, 64", [&](Variant& v) { widths(v, 32, 64); });
  add("sizes 192, 128", [&](Variant& v) { widths(v, 192, 128); });
  add("size 32", [&](Variant& v) { widths(v, 32, 32); });
  add("size 80", [&](Variant& v) { widths(v, 80, 80); });
  add("size 96", [&](Variant& v) { widths(v, 96, 96); });
  add("size 128", [&](Variant& v) { widths(v, 128, 128); });
  add("grouped heads, 8 / 2", [](Variant& v) { v.kv_heads = 2; });
  add("16 x 256", [&](Variant& v) { v.batch = 16, sizes(v, 16, 256); });
  add("64 x 1024", [&](Variant& v) { v.batch = 4, sizes(v, 64, 1024); });
  add("256 x 64", [&](Variant& v) { v.batch = 8, sizes(v, 256, 64); });
  add("1 x 512", [&](Variant& v) { v.batch = 4, sizes(v, 1, 512); });
  add("1 head, 2048 x 2048", [&](Variant& v) { v.batch = v.heads = v.kv_heads = 1, sizes(v, 2048, 2048); });
  add("2 heads, 2048 x 2048", [&](Variant& v) { v.batch = 1, v.heads = v.kv_heads = 2, sizes(v, 2048, 2048); });
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const std::string only = argc > 2 ? argv[2] : "";
  set_num_threads(std::max(1, threads));
  double plain[2] = {0, 0};
  std::printf("%-34s %10s %10s %9s %9s\n", "variant", "forward", "backward", "GFLOP/s", "GFLOP/s");
  for (const Variant& v : variants()) {
    if (v.name != "plain" && v.name.find(only) == std::string::npos) continue;
    Problem problem(v);
    const double flops = 2 * problem.seen * static_cast<double>(v.head_dim + v.value_dim);
    const double forward = best_seconds([&] { cpu::attention_forward(problem.args.call); });
    const double backward = best_seconds([&] { cpu::attention_backward(problem.args); });
    // Five products: three as deep as the keys, two as the values.
    const double backward_flops = 2 * problem.seen * static_cast<double>(3 * v.head_dim + 2 * v.value_dim);
    const double cost[2] = {forward / flops, backward / backward_flops};
    if (v.name == "plain") std::copy(cost, cost + 2, plain);
    std::printf("%-34s %9.2fx %9.2fx %9.1f %9.1f\n", v.name.c_str(), cost[0] / plain[0], cost[1] / plain[1],
                1e-9 / cost[0], 1e-9 / cost[1]);
    std::fflush(stdout);
  }
}
