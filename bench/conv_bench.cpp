// Convolutions of image networks, forward and both gradients: FLOP per second, and `peak%`, the average call in percent
// of this machine's multiply-add peak with as many threads, measured in this process.

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/backends/cpu/conv.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/bench/probe.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;
using namespace weft::cpu;

enum class Pass { forward, input_gradient, kernel_gradient };

double peak(int threads) {
  static std::map<int, double> known;
  double& value = known[threads];
  if (value == 0) value = bench::fma_peak(isa_name(), threads, 0.2);
  return value;
}

/// Arguments: batch, side, window, stride, in, out, groups, threads.
template <Pass pass> void conv_bench(benchmark::State& state) {
  const int64_t side = state.range(1), window = state.range(2), stride = state.range(3);
  const int64_t output = (side + stride - 1) / stride;
  ConvShape shape;
  shape.axes = 2;
  shape.axis[0] = shape.axis[1] = {side, window, output, stride, (window - 1) / 2, 1, 1};
  shape.batch = state.range(0), shape.in_features = state.range(4), shape.out_features = state.range(5);
  shape.groups = state.range(6);
  const int threads = static_cast<int>(state.range(7));
  const double ceiling = peak(threads);
  set_num_threads(threads);
  std::vector<float> x(static_cast<size_t>(shape.batch * side * side * shape.in_features), 0.5f);
  std::vector<float> kernel(
      static_cast<size_t>(window * window * shape.in_features / shape.groups * shape.out_features), 0.25f);
  std::vector<float> y(static_cast<size_t>(shape.batch * output * output * shape.out_features), 0.125f);
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    if (pass == Pass::forward) conv_forward(shape, x.data(), kernel.data(), y.data());
    if (pass == Pass::input_gradient) conv_input_gradient(shape, kernel.data(), y.data(), x.data());
    if (pass == Pass::kernel_gradient) conv_kernel_gradient(shape, x.data(), y.data(), kernel.data());
    benchmark::ClobberMemory();
  }
  const double work =
      2.0 * static_cast<double>(y.size()) * static_cast<double>(window * window * shape.in_features / shape.groups);
  state.counters["FLOPS"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  state.counters["peak%"] = 100 * work * static_cast<double>(state.iterations()) / seconds.count() / ceiling;
  state.SetLabel(std::string(isa_name()));
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"batch", "side", "window", "stride", "in", "out", "groups", "threads"})->UseRealTime();
  for (int64_t threads : {1, 4}) {
    // The encoder of the picture question step, and that of the example.
    bench->Args({64, 64, 3, 2, 3, 24, 1, threads})->Args({64, 32, 3, 2, 24, 48, 1, threads});
    bench->Args({64, 16, 3, 2, 48, 96, 1, threads})->Args({64, 64, 3, 2, 3, 16, 1, threads});
    bench->Args({64, 32, 3, 2, 16, 32, 1, threads})->Args({64, 16, 3, 2, 32, 64, 1, threads});
    // Residual networks.
    bench->Args({4, 224, 7, 2, 3, 64, 1, threads})->Args({8, 56, 3, 1, 64, 64, 1, threads});
    bench->Args({16, 28, 3, 1, 128, 128, 1, threads})->Args({16, 14, 3, 1, 256, 256, 1, threads});
    bench->Args({16, 7, 3, 1, 512, 512, 1, threads})->Args({16, 28, 1, 1, 128, 512, 1, threads});
    bench->Args({16, 28, 1, 2, 256, 512, 1, threads})->Args({1, 28, 3, 1, 128, 128, 1, threads});
    bench->Args({16, 28, 3, 1, 128, 128, 32, threads})->Args({16, 28, 3, 1, 128, 128, 128, threads});
    bench->Args({16, 56, 3, 2, 128, 128, 128, threads});
  }
}

BENCHMARK_TEMPLATE(conv_bench, Pass::forward)->Apply(shapes);
BENCHMARK_TEMPLATE(conv_bench, Pass::input_gradient)->Apply(shapes);
BENCHMARK_TEMPLATE(conv_bench, Pass::kernel_gradient)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
