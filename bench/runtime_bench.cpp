// What the runtime itself costs: handing out tasks, taking memory, running and recording small ops, walking a tape.
// Columns `median` and `p99` are of single calls, in nanoseconds.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/allocator.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;
using Clock = std::chrono::steady_clock;

double nanoseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

void idle(double microseconds) {
  for (auto begin = Clock::now(); nanoseconds_since(begin) < microseconds * 1e3;) benchmark::ClobberMemory();
}

void report(benchmark::State& state, std::vector<double>& samples) {
  if (samples.empty()) return;
  std::sort(samples.begin(), samples.end());
  state.counters["median"] = samples[samples.size() / 2];
  state.counters["p99"] = samples[samples.size() * 99 / 100];
}

/// Fork and join without work. Arguments: threads, tasks, microseconds between calls.
void fork_join(benchmark::State& state) {
  const int before = num_threads();
  set_num_threads(static_cast<int>(state.range(0)));
  const int64_t tasks = state.range(1);
  std::vector<double> samples;
  for (auto _ : state) {
    idle(static_cast<double>(state.range(2)));
    auto begin = Clock::now();
    parallel_for(tasks, [](int64_t task) { benchmark::DoNotOptimize(task); });
    samples.push_back(nanoseconds_since(begin));
    state.SetIterationTime(samples.back() * 1e-9);
  }
  report(state, samples);
  set_num_threads(before);
}
BENCHMARK(fork_join)
    ->ArgNames({"threads", "tasks", "gap_us"})
    ->UseManualTime()
    ->Iterations(20000)
    ->Args({4, 4, 0})
    ->Args({4, 4, 5})
    ->Args({4, 4, 20})
    ->Args({4, 16, 0})
    ->Args({4, 64, 5})
    ->Args({2, 2, 5});
BENCHMARK(fork_join)
    ->ArgNames({"threads", "tasks", "gap_us"})
    ->UseManualTime()
    ->Iterations(500)
    ->Args({4, 4, 200})
    ->Args({4, 4, 2000})
    ->Args({4, 4, 10000});

/// The same with tasks of a given length, to compare with the sum of their lengths. Arguments: tasks, microseconds a
/// task, microseconds between calls.
void fork_join_work(benchmark::State& state) {
  const double length = static_cast<double>(state.range(1));
  std::vector<double> samples;
  for (auto _ : state) {
    idle(static_cast<double>(state.range(2)));
    auto begin = Clock::now();
    parallel_for(state.range(0), [&](int64_t) { idle(length); });
    samples.push_back(nanoseconds_since(begin));
    state.SetIterationTime(samples.back() * 1e-9);
  }
  report(state, samples);
  state.counters["alone"] = static_cast<double>(state.range(0)) * length * 1e3;
}
BENCHMARK(fork_join_work)
    ->ArgNames({"tasks", "task_us", "gap_us"})
    ->UseManualTime()
    ->Iterations(300)
    ->Args({4, 1, 5})
    ->Args({4, 1, 10000})
    ->Args({16, 10, 5})
    ->Args({16, 10, 10000})
    ->Args({64, 20, 10000});

/// One block taken and given back.
void allocate(benchmark::State& state) {
  CachingAllocator allocator;
  for (auto _ : state) {
    void* memory = allocator.allocate(state.range(0));
    benchmark::DoNotOptimize(memory);
    allocator.deallocate(memory, state.range(0));
  }
}
BENCHMARK(allocate)->ArgName("bytes")->Arg(64)->Arg(4096)->Arg(100'000)->Arg(16 << 20);

/// A working set of blocks of many sizes, replaced in a mixed order.
void allocate_mixed(benchmark::State& state) {
  CachingAllocator allocator;
  struct Block {
    void* memory;
    int64_t bytes;
  };
  std::vector<Block> blocks(256, Block{nullptr, 0});
  uint32_t random = 1;
  for (auto _ : state) {
    random = random * 1664525u + 1013904223u;
    Block& block = blocks[random >> 24];
    allocator.deallocate(block.memory, block.bytes);
    block.bytes = int64_t{64} << (random >> 12 & 7) << (random >> 16 & 7);
    block.memory = allocator.allocate(block.bytes);
  }
  for (Block& block : blocks) allocator.deallocate(block.memory, block.bytes);
}
BENCHMARK(allocate_mixed);

/// The first write to fresh memory: what the system asks for it.
void first_touch(benchmark::State& state) {
  const int64_t bytes = state.range(0);
  for (auto _ : state) {
    CachingAllocator allocator;
    char* memory = static_cast<char*>(allocator.allocate(bytes));
    for (int64_t i = 0; i < bytes; i += 4096) memory[i] = 1;
    allocator.deallocate(memory, bytes);
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}
BENCHMARK(first_touch)->ArgName("bytes")->Arg(1 << 20)->Arg(64 << 20);

void add_eager(benchmark::State& state) {
  Tensor x = ones({16}), y = ones({16});
  for (auto _ : state) benchmark::DoNotOptimize(add(x, y));
}
BENCHMARK(add_eager);

/// A chain of additions on the tape, which is dropped every 64 ops.
void add_recorded(benchmark::State& state) {
  Tensor x = watch(ones({16})), y = ones({16});
  RecordingScope scope(true);
  while (state.KeepRunningBatch(64)) {
    Tensor sum = x;
    for (int i = 0; i < 64; ++i) sum = add(sum, y);
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(add_recorded);

void multiply_by_number(benchmark::State& state) {
  Tensor x = ones({16});
  for (auto _ : state) benchmark::DoNotOptimize(x * 2.0f);
}
BENCHMARK(multiply_by_number);

void linear_eager(benchmark::State& state) {
  Tensor x = ones({1, 16}), kernel = ones({16, 16}), bias = ones({16});
  for (auto _ : state) benchmark::DoNotOptimize(linear(x, kernel, bias));
}
BENCHMARK(linear_eager);

void linear_recorded(benchmark::State& state) {
  Tensor x = ones({1, 16}), kernel = watch(ones({16, 16})), bias = watch(ones({16}));
  RecordingScope scope(true);
  for (auto _ : state) benchmark::DoNotOptimize(linear(x, kernel, bias));
}
BENCHMARK(linear_recorded);

/// Forward and backward of a perceptron 16-16-16-16 on one sample: 10 ops forward.
void mlp_value_and_grad(benchmark::State& state) {
  Tensor x = ones({1, 16});
  Tensors parameters;
  for (int layer = 0; layer < 3; ++layer) {
    parameters.push_back(full({16, 16}, 0.1));
    parameters.push_back(zeros({16}));
  }
  auto loss = [&](const Tensors& p) {
    Tensor h = x;
    for (size_t layer = 0; layer < 3; ++layer) {
      h = linear(h, p[2 * layer], p[2 * layer + 1]);
      if (layer < 2) h = relu(h);
    }
    return mean(h);
  };
  for (auto _ : state) benchmark::DoNotOptimize(value_and_grad(loss, parameters));
}
BENCHMARK(mlp_value_and_grad);

/// A chain of negations, recorded and walked back; an item is one op with its gradient.
void record_and_walk(benchmark::State& state) {
  const int64_t length = state.range(0);
  Tensor x = ones({16});
  for (auto _ : state) {
    auto result = value_and_grad(
        [&](const Tensors& in) {
          Tensor y = in[0];
          for (int64_t i = 0; i < length; ++i) y = negative(y);
          return sum(y);
        },
        {x});
    benchmark::DoNotOptimize(result);
  }
  state.SetItemsProcessed(state.iterations() * length);
  state.counters["per_op"] = benchmark::Counter(static_cast<double>(state.iterations() * length),
                                                benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(record_and_walk)->ArgName("ops")->Arg(16)->Arg(1024);

}  // namespace
