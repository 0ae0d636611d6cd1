// One step of AdamW for all parameters: the kernel alone, over its own inputs as a plan of jit runs it, and through the
// optimizer. Columns: bytes per second of the least that must move (read p, g, m, v; write p, m, v), its share of the
// machine's stream rate (above 100 % where the caches hold the state), best time in microseconds.

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/global_norm.hpp>
#include <weft/autograd/ops/optimizer_update.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/bench/probe.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/parallel.hpp>
#include <weft/layers/graph.hpp>
#include <weft/training/optimizer.hpp>
#include <weft/training/optimizers.hpp>

namespace {

using namespace weft;
using Clock = std::chrono::steady_clock;

/// The layers of an MLP of 16-wide layers (0), or so many million parameters in matrices of a quarter million.
std::vector<Shape> shapes_of(int64_t millions) {
  if (millions == 0) return {{16, 16}, {16}, {16, 16}, {16}, {16, 16}, {16}};
  return std::vector<Shape>(static_cast<size_t>(4 * millions), Shape{500, 500});
}

double stream_rate(int threads) {
  static std::map<int, double> known;
  double& rate = known[threads];
  if (rate == 0) rate = bench::stream_triad(threads);
  return rate;
}

void report(benchmark::State& state, double best, double bytes) {
  const int threads = num_threads();
  state.counters["bytes/s"] = bytes / best;
  state.counters["stream%"] = 100 * bytes / best / stream_rate(threads);
  state.counters["best_us"] = best * 1e6;
  state.SetLabel(std::string(cpu::isa_name()));
}

template <class F> double best_of(benchmark::State& state, F&& run) {
  double best = 1e30;
  for (auto _ : state) {
    auto begin = Clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

double elements_of(const std::vector<Shape>& shapes) {
  double total = 0;
  for (const Shape& shape : shapes) total += static_cast<double>(shape.elements());
  return total;
}

/// Arguments: million parameters, threads.
void adamw_kernel(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(1)));
  const std::vector<Shape> shapes = shapes_of(state.range(0));
  op::OptimizerUpdate op;
  op.direction = {.rule = op::UpdateRule::adam, .b1 = 0.9, .b2 = 0.999, .eps = 1e-8};
  op.decay.rate = 1e-4;
  op.scales = true;
  Tensors inputs{Tensor(int64_t{10}), Tensor(1e-3)}, outputs;
  for (double value : {0.5, 0.01, 0.001, 0.0001})
    for (const Shape& shape : shapes) inputs.push_back(full(shape, value));
  const size_t n = shapes.size();
  for (size_t i = 0; i < n; ++i) outputs.push_back(inputs[2 + i]);
  outputs.insert(outputs.end(), inputs.begin() + static_cast<std::ptrdiff_t>(2 + 2 * n), inputs.end());
  const KernelEntry& kernel = *Device("cpu").backend().kernels().find(primitive_id<op::OptimizerUpdate>());
  report(state, best_of(state, [&] { kernel.run({&op, inputs, outputs}); }), 28 * elements_of(shapes));
}

struct Bag {
  std::vector<Param> params;
  WEFT_MODULE(Bag, params)

  explicit Bag(const std::vector<Shape>& shapes) {
    for (const Shape& shape : shapes) params.emplace_back(full(shape, 0.5));
  }
};

/// Arguments: million parameters, threads, whether gradients are clipped.
void adamw_optimizer(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(1)));
  const std::vector<Shape> shapes = shapes_of(state.range(0));
  Bag bag(shapes);
  TransformPtr transform = adamw({});
  if (state.range(2)) transform = chain(clip_by_global_norm(1.0), transform);
  Optimizer optimizer(bag, transform);
  State gradients = weft::state(bag).map([](const std::string&, const Tensor& p) { return full_like(p, 0.01); });
  report(state, best_of(state, [&] { optimizer.update(gradients); }), (state.range(2) ? 32 : 28) * elements_of(shapes));
}

/// Arguments: million elements, threads.
void norm_of_all(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(1)));
  const std::vector<Shape> shapes = shapes_of(state.range(0));
  Tensors tensors;
  for (const Shape& shape : shapes) tensors.push_back(full(shape, 0.01));
  report(state, best_of(state, [&] { benchmark::DoNotOptimize(global_norm(tensors)); }), 4 * elements_of(shapes));
}

void sizes(benchmark::internal::Benchmark* bench, std::vector<int64_t> rest) {
  for (int64_t millions : {0, 1, 10})
    for (int64_t threads : {1, 4}) {
      std::vector<int64_t> arguments{millions, threads};
      arguments.insert(arguments.end(), rest.begin(), rest.end());
      if (millions > 0 || threads == 1) bench->Args(arguments);
    }
  bench->UseRealTime()->MinTime(0.2);
}
BENCHMARK(adamw_kernel)->ArgNames({"millions", "threads"})->Apply([](auto* bench) { sizes(bench, {}); });
BENCHMARK(adamw_optimizer)->ArgNames({"millions", "threads", "clip"})->Apply([](auto* bench) {
  sizes(bench, {0});
  sizes(bench, {1});
});
BENCHMARK(norm_of_all)->ArgNames({"millions", "threads"})->Apply([](auto* bench) { sizes(bench, {}); });

}  // namespace
