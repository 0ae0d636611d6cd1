// GEMM against this machine's own ceiling. `best%`: the best call, in percent of the multiply-add peak of as many
// threads, measured in this process; `mean%`: the average of all calls. Names: kind/MxNxK/threads, where kind is nn, nt
// (B transposed), tn (A transposed), batch<count>, or a fused epilogue. Filter, for it is a long list:
//   gemm_bench --benchmark_filter='^nn/.*/1/' --benchmark_min_time=0.1

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/autograd/ops/reduce.hpp>
#include <weft/backends/cpu/gemm.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/bench/probe.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;
using namespace weft::cpu;

struct Product {
  std::string kind = "nn";
  int64_t m = 0, n = 0, k = 0;
  bool a_transposed = false, b_transposed = false;
  int64_t batch = 1;
  bool bias = false;
  op::Activation activation = op::Activation::none;
  bool residual = false;
};

double peak(int threads) {
  static std::map<int, double> known;
  double& value = known[threads];
  if (value == 0) value = bench::fma_peak(isa_name(), threads, 0.2);
  return value;
}

/// Times f, and says what that is of the peak.
template <class F> void report(benchmark::State& state, int threads, double flops, F&& f) {
  const double ceiling = peak(threads);
  set_num_threads(threads);
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  f();
  const auto begin_one = Clock::now();
  f();
  // A clock costs as much as a tiny product, so several make one measurement.
  const int64_t group = std::max<int64_t>(1, static_cast<int64_t>(4e-6 / std::max(1e-9, seconds(begin_one))));
  double best = 1e30, total = 0, calls = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    for (int64_t i = 0; i < group; ++i) f();
    const double took = seconds(begin);
    state.SetIterationTime(took);
    best = std::min(best, took / static_cast<double>(group));
    total += took;
    calls += static_cast<double>(group);
  }
  state.counters["best_ns"] = best * 1e9;
  state.counters["GFLOPS"] = flops / best * 1e-9;
  state.counters["best%"] = 100 * flops / best / ceiling;
  state.counters["mean%"] = 100 * flops / (total / calls) / ceiling;
  state.SetLabel(std::string(isa_name()));
}

template <class T> std::vector<T> values(int64_t count) {
  std::vector<T> result(static_cast<size_t>(count));
  for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<T>(static_cast<double>(i % 61) / 61 - 0.5);
  return result;
}

template <class T> void run_product(benchmark::State& state, const Product& product, int threads) {
  const int64_t m = product.m, n = product.n, k = product.k;
  const auto a = values<T>(product.batch * m * k), b = values<T>(product.batch * k * n), bias = values<T>(n),
             residual = values<T>(product.batch * m * n);
  auto c = values<T>(product.batch * m * n);
  BatchedGemmArgs<T> args;
  GemmArgs<T>& one = args.first;
  one.m = m, one.n = n, one.k = k;
  one.a = a.data(), one.a_row = product.a_transposed ? 1 : k, one.a_col = product.a_transposed ? m : 1;
  one.b = b.data(), one.b_row = product.b_transposed ? 1 : n, one.b_col = product.b_transposed ? k : 1;
  one.c = c.data(), one.c_row = n;
  one.bias = product.bias ? bias.data() : nullptr;
  one.activation = product.activation;
  one.residual = product.residual ? residual.data() : nullptr;
  args.batch = product.batch;
  args.a_batch = m * k, args.b_batch = k * n, args.c_batch = m * n;
  const double flops = 2.0 * static_cast<double>(product.batch * m * n * k);
  report(state, threads, flops, [&] {
    if (product.batch == 1) gemm(one);
    else batched_gemm(args);
    benchmark::DoNotOptimize(c.data());
  });
}

void add(const Product& product) {
  for (int threads : {1, 4}) {
    const std::string name = product.kind + "/" + std::to_string(product.m) + "x" + std::to_string(product.n) + "x" +
                             std::to_string(product.k) + "/" + std::to_string(threads);
    benchmark::RegisterBenchmark(name.c_str(), [product, threads](benchmark::State& state) {
      run_product<float>(state, product, threads);
    })->UseManualTime();
  }
}

void add_shapes() {
  for (int64_t size : {16, 32, 64, 128, 256, 512, 1024, 2048}) {
    add({"nn", size, size, size});
    add({"nt", size, size, size, false, true});
    add({"tn", size, size, size, true, false});
  }
  const std::vector<std::vector<int64_t>> forward{{4096, 64, 64},   {2048, 512, 512}, {64, 256, 64},  {64, 256, 256},
                                                  {1024, 256, 512}, {512, 1024, 256}, {96, 384, 1536}};
  for (const auto& shape : forward) add({"nn", shape[0], shape[1], shape[2]});
  for (int64_t m : {1, 2, 4, 8, 16}) {
    add({"nn", m, 512, 512});
    add({"nn", m, 1024, 1024});
    add({"nt", m, 1024, 1024, false, true});
  }
  for (int64_t n : {1, 10, 13, 24, 48, 80, 96}) add({"nn", 4096, n, 64});
  for (int64_t n : {1, 10, 13, 24, 48}) add({"nt", 64, n, 64, false, true});
  for (int64_t m : {5, 7, 13, 31, 61}) add({"nn", m, 256, 256});
  const std::vector<std::vector<int64_t>> gradients{{64, 64, 4096},   {32, 32, 8192},    {16, 10, 4096}, {256, 10, 64},
                                                    {512, 512, 2048}, {256, 1024, 2048}, {64, 256, 1024}};
  for (const auto& shape : gradients) add({"tn", shape[0], shape[1], shape[2], true, false});
  add({"batch64", 16, 64, 32, false, false, 64});
  add({"batch64nt", 16, 64, 32, false, true, 64});
  add({"batch256", 16, 16, 16, false, false, 256});
  add({"batch32", 64, 64, 64, false, false, 32});
  add({"batch32", 128, 128, 64, false, false, 32});
  add({"bias", 1024, 512, 256, false, false, 1, true});
  add({"bias+relu", 1024, 512, 256, false, false, 1, true, op::Activation::relu});
  add({"bias+gelu", 1024, 512, 256, false, false, 1, true, op::Activation::gelu_tanh});
  add({"bias+gelu+residual", 1024, 512, 256, false, false, 1, true, op::Activation::gelu_tanh, true});
  add({"bias+relu", 64, 256, 64, false, false, 1, true, op::Activation::relu});
  benchmark::RegisterBenchmark("double/512x512x512/1", [](benchmark::State& state) {
    run_product<double>(state, {"double", 512, 512, 512}, 1);
  })->UseManualTime();
}

/// The bias gradient: sums over the rows of [M, N].
void column_sums(benchmark::State& state, int64_t m, int64_t n, int threads) {
  Tensor x = Tensor::empty({m, n});
  std::ranges::copy(values<float>(m * n), x.mutable_raw_as<float>());
  set_num_threads(threads);
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, 0));
  state.counters["bytes"] =
      benchmark::Counter(static_cast<double>(4 * m * n), benchmark::Counter::kIsIterationInvariantRate);
}

void add_sums() {
  for (auto [m, n] : {std::pair<int64_t, int64_t>{64, 256}, {4096, 64}, {2048, 512}, {4096, 10}})
    for (int threads : {1, 4}) {
      const std::string name = "sums/" + std::to_string(m) + "x" + std::to_string(n) + "/" + std::to_string(threads);
      const int64_t rows = m, columns = n;
      benchmark::RegisterBenchmark(name.c_str(), [rows, columns, threads](benchmark::State& state) {
        column_sums(state, rows, columns, threads);
      })->UseRealTime();
    }
}

}  // namespace

int main(int argc, char** argv) {
  add_shapes();
  add_sums();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
