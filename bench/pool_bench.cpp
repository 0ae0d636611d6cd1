// Pools and batch normalization, forward and gradient: bound by memory, so in bytes per second, each tensor once.

#include <benchmark/benchmark.h>

#include <weft/autograd/ops/batch_norm.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/pool.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;

int64_t bytes_of(const Tensors& tensors) {
  int64_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += tensor.elements() * static_cast<int64_t>(sizeof(float));
  return bytes;
}

template <class Op> void run(benchmark::State& state, const Op& op, const Tensors& inputs) {
  set_num_threads(static_cast<int>(state.range(4)));
  int64_t bytes = 0;
  for (auto _ : state) {
    Tensors out = apply_all(op, inputs);
    bytes = bytes_of(inputs) + bytes_of(out);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}

// Arguments: batch, side, features, window (also the stride, and 3 overlaps by one), threads.

Tensor input(const benchmark::State& state) {
  return full({state.range(0), state.range(1), state.range(1), state.range(2)}, 0.5, DType::float32);
}
PoolGeometry geometry(const benchmark::State& state) {
  const int64_t window = state.range(3), stride = window == 3 ? 2 : window;
  return {{window, window}, {stride, stride}, {0, 0}, {0, 0}};
}

void max_pool_forward(benchmark::State& state) { run(state, op::ExtremePool{geometry(state)}, {input(state)}); }
void max_pool_gradient(benchmark::State& state) {
  const Tensor x = input(state);
  Tensors pooled = apply_all(op::ExtremePool{geometry(state)}, {x});
  run(state, op::PoolScatter{geometry(state), x.shape().slice(1, 3)}, pooled);
}
void sum_pool_forward(benchmark::State& state) { run(state, op::SumPool{geometry(state)}, {input(state)}); }
void sum_pool_gradient(benchmark::State& state) {
  const Tensor x = input(state), y = apply(op::SumPool{geometry(state)}, {x});
  run(state, op::SumPoolGrad{geometry(state), x.shape().slice(1, 3)}, {y});
}
void batch_norm_forward(benchmark::State& state) { run(state, op::BatchNorm{}, {input(state)}); }
void batch_norm_gradient(benchmark::State& state) {
  const Tensor x = input(state), vector = full({state.range(2)}, 1.0, DType::float32);
  run(state, op::BatchNormGrad{}, {x, vector, vector, x, vector, vector});
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"batch", "side", "features", "window", "threads"})->UseRealTime();
  for (int64_t threads : {1, 4})
    for (int64_t window : {2, 3, 28}) bench->Args({16, 28, 128, window, threads});
}
void norm_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"batch", "side", "features", "window", "threads"})->UseRealTime();
  for (int64_t threads : {1, 4}) bench->Args({64, 32, 16, 0, threads})->Args({16, 28, 128, 0, threads});
}

BENCHMARK(max_pool_forward)->Apply(shapes);
BENCHMARK(max_pool_gradient)->Apply(shapes);
BENCHMARK(sum_pool_forward)->Apply(shapes);
BENCHMARK(sum_pool_gradient)->Apply(shapes);
BENCHMARK(batch_norm_forward)->Apply(norm_shapes);
BENCHMARK(batch_norm_gradient)->Apply(norm_shapes);

}  // namespace

BENCHMARK_MAIN();
