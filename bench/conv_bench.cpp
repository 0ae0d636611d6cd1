// Convolutions of image networks, forward and both gradients, in FLOP per second.

#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/backends/cpu/conv.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;
using namespace weft::cpu;

enum class Pass { forward, input_gradient, kernel_gradient };

/// Arguments: batch, side, window, stride, in, out, groups, threads.
template <Pass pass> void conv_bench(benchmark::State& state) {
  const int64_t side = state.range(1), window = state.range(2), stride = state.range(3);
  const int64_t output = (side + stride - 1) / stride;
  ConvShape shape;
  shape.axes = 2;
  shape.axis[0] = shape.axis[1] = {side, window, output, stride, (window - 1) / 2, 1, 1};
  shape.batch = state.range(0), shape.in_features = state.range(4), shape.out_features = state.range(5);
  shape.groups = state.range(6);
  set_num_threads(static_cast<int>(state.range(7)));
  std::vector<float> x(static_cast<size_t>(shape.batch * side * side * shape.in_features), 0.5f);
  std::vector<float> kernel(
      static_cast<size_t>(window * window * shape.in_features / shape.groups * shape.out_features), 0.25f);
  std::vector<float> y(static_cast<size_t>(shape.batch * output * output * shape.out_features), 0.125f);
  for (auto _ : state) {
    if (pass == Pass::forward) conv_forward(shape, x.data(), kernel.data(), y.data());
    if (pass == Pass::input_gradient) conv_input_gradient(shape, kernel.data(), y.data(), x.data());
    if (pass == Pass::kernel_gradient) conv_kernel_gradient(shape, x.data(), y.data(), kernel.data());
    benchmark::ClobberMemory();
  }
  const double work =
      2.0 * static_cast<double>(y.size()) * static_cast<double>(window * window * shape.in_features / shape.groups);
  state.counters["FLOPS"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(std::string(isa_name()));
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"batch", "side", "window", "stride", "in", "out", "groups", "threads"})->UseRealTime();
  for (int64_t threads : {1, 4}) {
    bench->Args({64, 64, 3, 1, 3, 32, 1, threads})->Args({64, 32, 3, 1, 32, 64, 1, threads});
    bench->Args({64, 16, 3, 1, 64, 80, 1, threads})->Args({64, 32, 3, 2, 32, 64, 1, threads});
    bench->Args({16, 28, 3, 1, 128, 256, 1, threads})->Args({16, 28, 1, 1, 128, 256, 1, threads});
    bench->Args({16, 28, 3, 1, 128, 128, 128, threads});
  }
}

BENCHMARK_TEMPLATE(conv_bench, Pass::forward)->Apply(shapes);
BENCHMARK_TEMPLATE(conv_bench, Pass::input_gradient)->Apply(shapes);
BENCHMARK_TEMPLATE(conv_bench, Pass::kernel_gradient)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
