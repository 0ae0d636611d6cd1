// The attention kernels on raw memory: GFLOP/s forward (4 B H Lq Lk D, half of it under a causal mask) and backward
// (2.5 times that), in one thread and in four, and percent of the multiply-add peak of as many threads, measured in
// this process. What options cost is in attention_variants_bench.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <string>

#include <weft/backends/cpu/attention.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/bench/probe.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;

struct Shape {
  const char* name;
  int64_t batch, heads, query_length, key_length, head_dim;
  bool causal = false;
  double dropout_rate = 0;
  bool null_slot = false;
};

constexpr Shape shapes[] = {
    {"vqa_like", 64, 4, 16, 64, 32},
    {"cross_short", 8, 8, 64, 256, 64},
    {"self_512", 8, 8, 512, 512, 64},
    {"self_2k", 2, 8, 2048, 2048, 64},
    {"causal_2k", 2, 8, 2048, 2048, 64, true},
    {"causal_4k_128", 1, 8, 4096, 4096, 128, true},
    {"self_1k_32", 1, 8, 1024, 1024, 32},
    {"causal_512_32", 4, 8, 512, 512, 32, true},
    {"few_heads_2k", 1, 1, 2048, 2048, 64},
    {"dropout_512", 8, 8, 512, 512, 64, false, 0.1},
    {"words_10", 368, 4, 10, 10, 12},
    {"first_word", 368, 4, 1, 10, 12},
    {"words_16", 256, 4, 16, 16, 32},
    {"words_31", 128, 4, 31, 31, 16},
    {"words_cells", 92, 4, 40, 64, 16, false, 0, true},
};

/// Aligned as tensors are.
struct Floats {
  std::unique_ptr<float[], void (*)(void*)> memory{nullptr, std::free};
  float* make(size_t count) {
    memory.reset(static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64)));
    if (!memory) throw std::bad_alloc();
    return memory.get();
  }
};

double peak(int threads) {
  static std::map<int, double> known;
  auto [at, fresh] = known.try_emplace(threads, 0);
  if (fresh) at->second = bench::fma_peak(cpu::isa_name(), threads);
  return at->second;
}

/// One array per operand, in the layout of the layer: [batch, length, heads, features].
struct Buffers {
  Floats query, key, value, out, logsumexp, d_out, d_query, d_key, d_value, null_slot;
  AttentionGradArgs<float> args;

  explicit Buffers(const Shape& s) {
    AttentionArgs<float>& a = args.call;
    a.batch = s.batch;
    a.heads = a.kv_heads = s.heads;
    a.query_length = s.query_length;
    a.key_length = s.key_length;
    a.head_dim = a.value_dim = s.head_dim;
    a.scale = 0.125;
    a.causal = s.causal ? Causal::top_left : Causal::none;
    a.dropout_rate = s.dropout_rate;
    const int64_t row = s.heads * s.head_dim;
    std::mt19937 random(1);
    auto make = [&](Floats& floats, int64_t length) {
      std::normal_distribution<float> normal;
      const auto count = static_cast<size_t>(s.batch * length * row);
      float* data = floats.make(count);
      for (size_t i = 0; i < count; ++i) data[i] = normal(random);
      return HeadRows<float*>{data, length * row, row, s.head_dim};
    };
    auto input = [&](Floats& data, int64_t length) {
      HeadRows<float*> rows = make(data, length);
      return HeadRows<const float*>{rows.data, rows.batch, rows.length, rows.head};
    };
    a.query = input(query, s.query_length);
    a.key = input(key, s.key_length);
    a.value = input(value, s.key_length);
    a.out = make(out, s.query_length);
    a.logsumexp = logsumexp.make(static_cast<size_t>(s.batch * s.query_length * s.heads));
    args.d_out = input(d_out, s.query_length);
    args.d_query = make(d_query, s.query_length);
    args.d_key = make(d_key, s.key_length);
    args.d_value = make(d_value, s.key_length);
    if (!s.null_slot) return;
    // Key, value and their gradients.
    float* null = null_slot.make(static_cast<size_t>(4 * row));
    std::fill_n(null, 4 * row, 0.5f);
    a.null_key = null;
    a.null_value = null + row;
    args.d_null_key = null + 2 * row;
    args.d_null_value = null + 3 * row;
  }
};

void run(benchmark::State& state, const Shape& s, bool backward, int threads) {
  const int before = num_threads();
  set_num_threads(threads);
  Buffers buffers(s);
  cpu::attention_forward(buffers.args.call);
  for (auto _ : state) {
    if (backward) cpu::attention_backward(buffers.args);
    else cpu::attention_forward(buffers.args.call);
    benchmark::ClobberMemory();
  }
  const double scores = static_cast<double>(s.batch * s.heads * s.query_length * s.key_length) * (s.causal ? 0.5 : 1);
  const double flops = 4 * scores * static_cast<double>(s.head_dim) * (backward ? 2.5 : 1);
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["%peak"] =
      benchmark::Counter(100 * flops / peak(threads), benchmark::Counter::kIsIterationInvariantRate);
  set_num_threads(before);
}

const bool registered = [] {
  for (const Shape& s : shapes)
    for (bool backward : {false, true})
      for (int threads : {1, 4}) {
        std::string name = std::string(s.name) + (backward ? "/backward/" : "/forward/") + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), run, s, backward, threads)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      }
  return true;
}();

}  // namespace
