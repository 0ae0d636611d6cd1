// Kernels that memory bounds: normalization, softmax and its loss, activations, embeddings, sums, dropout, elementwise
// ops, copies. Bytes are those of the op's inputs and outputs, once each; "stream" is what z = x + y reaches in this
// process with as many threads on as many bytes, so that figures from caches are held against caches.

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/cross_entropy.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/scatter.hpp>
#include <weft/autograd/ops/softmax.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/parallel.hpp>

namespace {

using namespace weft;

/// A primitive's CPU kernel with its inputs and outputs.
struct Call {
  std::shared_ptr<const void> op;
  Kernel run;
  Tensors inputs, outputs;
  int64_t bytes = 0;

  void operator()() { run({op.get(), inputs, outputs}); }
};

template <class Op> Call call_of(const Op& op, Tensors inputs) {
  Call call{std::make_shared<const Op>(op),
            Device("cpu").backend().kernels().find(primitive_id<Op>())->run,
            std::move(inputs),
            {}};
  call.outputs = apply_all(op, call.inputs);
  for (const Tensors* list : {&call.inputs, &call.outputs})
    for (const Tensor& tensor : *list)
      call.bytes += std::min<int64_t>(tensor.bytes(), tensor.storage() ? tensor.bytes() : 0);
  return call;
}

/// Seconds of one run: the best of many.
template <class F> double best_of(F&& f, double budget = 0.15) {
  using Clock = std::chrono::steady_clock;
  f();
  int64_t repeats = 1;
  double best = 1e9;
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    for (int64_t i = 0; i < repeats; ++i) f();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::min(best, seconds / static_cast<double>(repeats));
    if (seconds < 20e-6) repeats *= 2;
  } while (std::chrono::duration<double>(Clock::now() - start).count() < budget);
  return best;
}

Tensor ramp(const Shape& shape) {
  Tensor tensor = Tensor::empty(shape, DType::float32);
  float* values = tensor.mutable_data<float>();
  for (int64_t i = 0; i < tensor.elements(); ++i) values[i] = static_cast<float>(i * 7 % 1013) / 253.0f - 2.0f;
  return tensor;
}

Tensor indices(const Shape& shape, int64_t extent) {
  Tensor tensor = Tensor::empty(shape, DType::int32);
  int32_t* values = tensor.mutable_data<int32_t>();
  for (int64_t i = 0; i < tensor.elements(); ++i) values[i] = static_cast<int32_t>(i * 7919 % extent);
  return tensor;
}

/// Bytes per second of z = x + y over arrays of `bytes` together.
double stream_rate(int64_t bytes, int threads) {
  static std::map<std::pair<int64_t, int>, double> known;
  double& rate = known[{bytes, threads}];
  if (rate == 0) {
    const int64_t elements = std::max<int64_t>(64, bytes / 12);
    Call call = call_of(op::Add{}, {ramp({elements}), ramp({elements})});
    rate = static_cast<double>(call.bytes) / best_of(call);
  }
  return rate;
}

void measure(benchmark::State& state, const std::function<Call()>& make, int threads) {
  set_num_threads(threads);
  Call call = make();
  const double stream = stream_rate(call.bytes, threads);
  double best = 1e9;
  for (auto _ : state) best = std::min(best, best_of(call));
  state.counters["us"] = best * 1e6;
  state.counters["GB/s"] = static_cast<double>(call.bytes) / best * 1e-9;
  state.counters["stream_GB/s"] = stream * 1e-9;
  state.counters["stream%"] = 100 * static_cast<double>(call.bytes) / best / stream;
}

void add(const std::string& name, std::function<Call()> make) {
  for (int threads : {1, 4})
    benchmark::RegisterBenchmark((name + "/" + std::to_string(threads)).c_str(), [make,
                                                                                  threads](benchmark::State& state) {
      measure(state, make, threads);
    })->Iterations(1);
}

bool add_all() {
  const op::LayerNorm norm{1e-6, true, true, true};
  for (int64_t n : {64, 256, 768}) {
    const std::string size = "4096x" + std::to_string(n);
    add("layer_norm/" + size, [=] { return call_of(norm, {ramp({4096, n}), ramp({n}), ramp({n})}); });
    add("layer_norm_grad/" + size, [=] {
      return call_of(op::LayerNormGrad{norm}, {ramp({4096, n}), ramp({4096, n}), ramp({n})});
    });
  }
  add("rms_norm/4096x768", [] {
    return call_of(op::LayerNorm{1e-6, false, true, false}, {ramp({4096, 768}), ramp({768})});
  });
  for (auto [rows, classes] : {std::pair<int64_t, int64_t>{1024, 50000}, {64, 13}, {512, 1000}}) {
    const std::string size = std::to_string(rows) + "x" + std::to_string(classes);
    add("cross_entropy/" + size, [rows = rows, classes = classes] {
      return call_of(op::SoftmaxCrossEntropy{}, {ramp({rows, classes}), indices({rows}, classes)});
    });
    add("cross_entropy_grad/" + size, [rows = rows, classes = classes] {
      return call_of(op::SoftmaxCrossEntropyGrad{}, {ramp({rows, classes}), indices({rows}, classes), ramp({rows})});
    });
  }
  add("softmax/4096x512", [] { return call_of(op::Softmax{1}, {ramp({4096, 512})}); });
  add("softmax/64x512x64_axis_1", [] { return call_of(op::Softmax{1}, {ramp({64, 512, 64})}); });
  add("log_softmax/4096x512", [] { return call_of(op::LogSoftmax{1}, {ramp({4096, 512})}); });
  add("gelu/4096x3072", [] { return call_of(op::Gelu{false}, {ramp({4096, 3072})}); });
  add("gelu_grad/4096x3072", [] { return call_of(op::GeluGrad{false}, {ramp({4096, 3072}), ramp({4096, 3072})}); });
  add("gelu_tanh/4096x3072", [] { return call_of(op::Gelu{true}, {ramp({4096, 3072})}); });
  add("silu/4096x3072", [] { return call_of(op::Silu{}, {ramp({4096, 3072})}); });
  add("sigmoid/4096x3072", [] { return call_of(op::Sigmoid{}, {ramp({4096, 3072})}); });
  add("tanh/4096x3072", [] { return call_of(op::Tanh{}, {ramp({4096, 3072})}); });
  add("sin/4096x3072", [] { return call_of(op::Sin{}, {ramp({4096, 3072})}); });
  add("log/4096x3072", [] { return call_of(op::Log{}, {ramp({4096, 3072}) + 3.0}); });
  add("embedding/1024x64_from_64", [] { return call_of(op::Take{0}, {ramp({64, 64}), indices({64, 16}, 64)}); });
  add("embedding/16384x256_from_32000", [] {
    return call_of(op::Take{0}, {ramp({32000, 256}), indices({16384}, 32000)});
  });
  add("embedding_grad/1024x64_into_64", [] {
    return call_of(op::Scatter{0, ScatterKind::add}, {ramp({64, 64}), indices({1024}, 64), ramp({1024, 64})});
  });
  add("embedding_grad/16384x256_into_32000", [] {
    return call_of(op::Scatter{0, ScatterKind::add}, {ramp({32000, 256}), indices({16384}, 32000), ramp({16384, 256})});
  });
  add("sum_rows/4096x768", [] { return call_of(op::Sum{{{0}}}, {ramp({4096, 768})}); });
  add("sum_rows/64x256", [] { return call_of(op::Sum{{{0}}}, {ramp({64, 256})}); });
  add("sum_rows/65536x24", [] { return call_of(op::Sum{{{0}}}, {ramp({65536, 24})}); });
  add("sum_last/4096x768", [] { return call_of(op::Sum{{{1}}}, {ramp({4096, 768})}); });
  add("sum_last/65536x24", [] { return call_of(op::Sum{{{1}}}, {ramp({65536, 24})}); });
  add("sum_all/4096x3072", [] { return call_of(op::Sum{{{0, 1}}}, {ramp({4096, 3072})}); });
  add("max_last/4096x768", [] { return call_of(op::Max{{{1}}}, {ramp({4096, 768})}); });
  add("argmax/4096x768", [] { return call_of(op::ArgMax{1}, {ramp({4096, 768})}); });
  add("argmax/4096x13", [] { return call_of(op::ArgMax{1}, {ramp({4096, 13})}); });
  add("dropout/4096x768", [] { return call_of(op::Dropout{0.1, {}}, {ramp({4096, 768}), key_tensor({1, 2, 3})}); });
  add("uniform/4096x768", [] { return call_of(op::RandomUniform{{4096, 768}}, {key_tensor({1, 2, 3})}); });
  add("normal/4096x768", [] { return call_of(op::RandomNormal{{4096, 768}}, {key_tensor({1, 2, 3})}); });
  add("add/16", [] { return call_of(op::Add{}, {ramp({16}), ramp({16})}); });
  add("add/64x256", [] { return call_of(op::Add{}, {ramp({64, 256}), ramp({64, 256})}); });
  add("add/4096x768", [] { return call_of(op::Add{}, {ramp({4096, 768}), ramp({4096, 768})}); });
  add("add/4096x8192", [] { return call_of(op::Add{}, {ramp({4096, 8192}), ramp({4096, 8192})}); });
  add("add_bias/64x256", [] { return call_of(op::Add{}, {ramp({64, 256}), ramp({256})}); });
  add("add_bias/4096x768", [] { return call_of(op::Add{}, {ramp({4096, 768}), ramp({768})}); });
  add("add_bias/65536x24", [] { return call_of(op::Add{}, {ramp({65536, 24}), ramp({24})}); });
  add("multiply_column/4096x768", [] { return call_of(op::Multiply{}, {ramp({4096, 768}), ramp({4096, 1})}); });
  add("transpose/2048x2048", [] { return call_of(op::Copy{}, {swapaxes(ramp({2048, 2048}), 0, 1)}); });
  add("nhwc_to_nchw/32x32x32x96", [] { return call_of(op::Copy{}, {moveaxis(ramp({32, 32, 32, 96}), 3, 1)}); });
  add("split_heads/8x512x8x64", [] { return call_of(op::Copy{}, {swapaxes(ramp({8, 512, 8, 64}), 1, 2)}); });
  add("cast_half/4096x768", [] { return call_of(op::Cast{DType::float16}, {ramp({4096, 768})}); });
  add("cast_bfloat16/4096x768", [] { return call_of(op::Cast{DType::bfloat16}, {ramp({4096, 768})}); });
  add("cast_from_half/4096x768", [] {
    return call_of(op::Cast{DType::float32}, {cast(ramp({4096, 768}), DType::float16)});
  });
  return true;
}

const bool added = add_all();

}  // namespace
