// GEMM against the machine's own ceiling: `peak` is what a register tile does with everything in the nearest cache.
// Columns: FLOP per second, and percent of peak times threads.

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/backends/cpu/gemm.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;
using namespace weft::cpu;

/// FLOP per second of one thread, best of many short runs.
template <class T> double measure_peak() {
  const auto& kernels = isa_kernels().gemm.of<T>();
  const int64_t m = 6, k = 256, n = kernels.panel;
  std::vector<T> a(static_cast<size_t>(m * k), T(1)), b(static_cast<size_t>(k * n), T(1)),
      c(static_cast<size_t>(m * n));
  GemmBlock<T> block;
  block.m = m, block.n = n, block.k = k;
  block.a = a.data(), block.a_row = k, block.a_col = 1;
  block.b = b.data(), block.b_row = n, block.b_panel = k * n;
  block.c = c.data(), block.c_row = n;
  double best = 0;
  for (int run = 0; run < 50; ++run) {
    constexpr int repeats = 500;
    auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) kernels.block(block);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2.0 * static_cast<double>(m * n * k) * repeats / seconds.count());
  }
  return best;
}

template <class T> double peak() {
  static std::map<std::string, double> known;
  double& value = known[std::string(isa_name())];
  if (value == 0) value = measure_peak<T>();
  return value;
}

/// Arguments: m, n, k, A transposed, B transposed, threads.
template <class T> void gemm_bench(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const int threads = static_cast<int>(state.range(5));
  const double ceiling = peak<T>() * threads;
  set_num_threads(threads);
  std::vector<T> a(static_cast<size_t>(m * k), T(0.5)), b(static_cast<size_t>(k * n), T(0.25)),
      c(static_cast<size_t>(m * n));
  GemmArgs<T> args;
  args.m = m, args.n = n, args.k = k;
  args.a = a.data(), args.a_row = state.range(3) ? 1 : k, args.a_col = state.range(3) ? m : 1;
  args.b = b.data(), args.b_row = state.range(4) ? 1 : n, args.b_col = state.range(4) ? k : 1;
  args.c = c.data(), args.c_row = n;
  double best = 1e30;
  for (auto _ : state) {
    auto begin = std::chrono::steady_clock::now();
    gemm(args);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    benchmark::DoNotOptimize(c.data());
  }
  const double work = 2.0 * static_cast<double>(m * n * k);
  state.counters["FLOPS"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["best"] = work / best;
  state.counters["best%"] = 100 * work / best / ceiling;
  state.SetLabel(std::string(isa_name()));
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "n", "k", "ta", "tb", "threads"})->UseRealTime();
  for (int64_t threads : {1, 4}) {
    for (int64_t size : {64, 128, 256, 512, 1024}) bench->Args({size, size, size, 0, 0, threads});
    for (int64_t size : {64, 512, 1024})
      bench->Args({size, size, size, 0, 1, threads})->Args({size, size, size, 1, 0, threads});
    bench->Args({4096, 64, 64, 0, 0, threads})
        ->Args({2048, 512, 512, 0, 0, threads})
        ->Args({64, 256, 64, 0, 0, threads});
    bench->Args({4096, 80, 48, 0, 0, threads})
        ->Args({16, 512, 512, 0, 0, threads})
        ->Args({16, 1024, 1024, 0, 0, threads});
    bench->Args({1, 1024, 1024, 0, 0, threads})
        ->Args({1, 1024, 1024, 0, 1, threads})
        ->Args({64, 64, 4096, 1, 0, threads});
    bench->Args({512, 512, 2048, 1, 0, threads});
  }
}

BENCHMARK_TEMPLATE(gemm_bench, float)->Apply(shapes);
BENCHMARK_TEMPLATE(gemm_bench, double)
    ->ArgNames({"m", "n", "k", "ta", "tb", "threads"})
    ->UseRealTime()
    ->Args({512, 512, 512, 0, 0, 1});

}  // namespace

BENCHMARK_MAIN();
