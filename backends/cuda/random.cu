#include <weft/autograd/ops/random.hpp>

#include <cmath>

#include <weft/autograd/ops/stream_key.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/key_words.hpp>
#include <weft/core/normal_quantile.hpp>

// The numbers of the CPU, bit for bit: Philox in integers, the rest in double precision without fused multiply-adds
// (CMakeLists.txt). A thread draws a block of four neighbours.

namespace weft::cuda {
namespace {

/// result[i] = value(bits of element i).
template <class T, class Value> struct Draw {
  Value value;
  const int32_t* key;
  T* result;
  int64_t n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const RandomKey names = key_from_words(key);
    for (int64_t block = thread.global_index(); block < (n + 3) / 4; block += thread.global_size()) {
      const auto bits = random_block(names, static_cast<uint64_t>(block));
      Four<T> drawn;
      for (int j = 0; j < 4; ++j) drawn.values[j] = static_cast<T>(value(bits[static_cast<size_t>(j)]));
      if (4 * block + 4 <= n) {
        reinterpret_cast<Four<T>*>(result)[block] = drawn;
      } else {
        for (int j = 0; 4 * block + j < n; ++j) result[4 * block + j] = drawn.values[j];
      }
    }
  }
};

template <class T, class Value> void draw(const KernelCall& call, const Value& value) {
  const int64_t n = call.outputs[0].elements();
  launch(Draw<T, Value>{value, call.inputs[0].raw_as<int32_t>(), call.outputs[0].mutable_raw_as<T>(), n},
         blocks_for(n, 4), usual_threads);
}

struct Bits {
  WEFT_DEVICE int32_t operator()(uint32_t bits) const { return static_cast<int32_t>(bits); }
};

template <class T> struct Uniform {
  double low, span;
  T most;  ///< rounding must not reach the upper end

  WEFT_DEVICE T operator()(uint32_t bits) const {
    const T value = static_cast<T>(low + span * (static_cast<double>(bits >> 8) * 0x1p-24));
    return value < most ? value : most;
  }
};

struct Normal {
  double low, high;              ///< the range of the results
  double low_probability, span;  ///< that of their probabilities

  WEFT_DEVICE double operator()(uint32_t bits) const {
    const double unit = (static_cast<double>(bits) + 0.5) * 0x1p-32;
    const double value = normal_quantile(low_probability + span * unit);
    return value < low ? low : value > high ? high : value;
  }
};

struct Integers {
  int64_t low;
  uint64_t range;

  WEFT_DEVICE int64_t operator()(uint32_t bits) const { return low + static_cast<int64_t>(bits * range >> 32); }
};

void bits_kernel(const KernelCall& call) { draw<int32_t>(call, Bits{}); }

void uniform_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomUniform>();
  visit_wide_float(op.dtype, [&]<class T>(std::type_identity<T>) {
    draw<T>(call,
            Uniform<T>{op.low, op.high - op.low, std::nextafter(static_cast<T>(op.high), static_cast<T>(op.low))});
  });
}

void normal_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomNormal>();
  const double low = std::isinf(op.low) ? 0 : normal_probability(op.low);
  const double span = (std::isinf(op.high) ? 1 : normal_probability(op.high)) - low;
  visit_wide_float(op.dtype, [&]<class T>(std::type_identity<T>) {
    draw<T>(call, Normal{op.low, op.high, low, span});
  });
}

void integers_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomIntegers>();
  visit_integer(op.dtype, [&]<class T>(std::type_identity<T>) {
    draw<T>(call, Integers{op.low, static_cast<uint64_t>(op.high - op.low)});
  });
}

/// Four neighbours of x, each with a decision of its own.
template <class T> struct Dropout {
  const T* x;
  const int32_t* key;
  T* result;
  int64_t n;
  uint32_t threshold;
  Computed<T> scale;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const RandomKey names = key_from_words(key);
    for (int64_t block = thread.global_index(); block < (n + 3) / 4; block += thread.global_size()) {
      const auto bits = random_block(names, static_cast<uint64_t>(block));
      auto value = [&](T from, int j) {
        return bits[static_cast<size_t>(j)] >> 8 >= threshold ? static_cast<T>(static_cast<Computed<T>>(from) * scale)
                                                              : static_cast<T>(Computed<T>(0));
      };
      if (4 * block + 4 <= n && reinterpret_cast<uintptr_t>(x) % sizeof(Four<T>) == 0) {
        const Four<T> read = reinterpret_cast<const Four<T>*>(x)[block];
        Four<T> written;
        for (int j = 0; j < 4; ++j) written.values[j] = value(read.values[j], j);
        reinterpret_cast<Four<T>*>(result)[block] = written;
      } else {
        for (int j = 0; j < 4 && 4 * block + j < n; ++j) result[4 * block + j] = value(x[4 * block + j], j);
      }
    }
  }
};

/// Decisions shared along axes: `walk` leads from an element to its place among them.
template <class T> struct SharedDropout {
  const T* x;
  const int32_t* key;
  T* result;
  int64_t n;
  uint32_t threshold;
  Computed<T> scale;
  Walk<1> walk;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const RandomKey names = key_from_words(key);
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const uint32_t bits = random_bits(names, static_cast<uint64_t>(walk.places(i).at[0]));
      const bool kept = bits >> 8 >= threshold;
      result[i] = static_cast<T>(kept ? static_cast<Computed<T>>(x[i]) * scale : Computed<T>(0));
    }
  }
};

void dropout_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Dropout>();
  const Tensor& x = call.inputs[0];
  const int32_t* key = call.inputs[1].raw_as<int32_t>();
  Shape mask = x.shape();
  for (int64_t axis : op.broadcast_axes) mask[static_cast<int>(axis)] = 1;
  Strides steps = row_major_strides(mask);
  for (int64_t axis : op.broadcast_axes) steps[static_cast<int>(axis)] = 0;
  visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    T* result = call.outputs[0].mutable_raw_as<T>();
    const uint32_t threshold = dropout_threshold(op.rate);
    const auto scale = static_cast<Computed<T>>(1 / (1 - op.rate));
    const int64_t n = x.elements();
    if (op.broadcast_axes.rank() == 0)
      launch(Dropout<T>{x.raw_as<T>(), key, result, n, threshold, scale}, blocks_for(n, 4), usual_threads);
    else
      launch(SharedDropout<T>{x.raw_as<T>(), key, result, n, threshold, scale, make_walk<1>(x.shape(), {steps})},
             blocks_for(n), usual_threads);
  });
}

struct NextKey {
  const int64_t *key, *count;
  int32_t* words;
  uint32_t stream;

  WEFT_DEVICE void operator()(const Thread&) const {
    const RandomKey next = stream_draw(static_cast<uint64_t>(*key), stream, static_cast<uint64_t>(*count));
    const auto next_words = key_words(next);
    for (size_t i = 0; i < next_words.size(); ++i) words[i] = next_words[i];
  }
};

void stream_key_kernel(const KernelCall& call) {
  launch(NextKey{call.inputs[0].raw_as<int64_t>(), call.inputs[1].raw_as<int64_t>(),
                 call.outputs[0].mutable_raw_as<int32_t>(), call.op<op::StreamKey>().stream},
         1, 1);
}

}  // namespace

void register_cuda_random(KernelTable& table) {
  table.add<op::RandomBits>(bits_kernel, {DType::int32});
  table.add<op::RandomUniform>(uniform_kernel, {DType::int32});
  table.add<op::RandomNormal>(normal_kernel, {DType::int32});
  table.add<op::RandomIntegers>(integers_kernel, {DType::int32});
  table.add<op::Dropout>(dropout_kernel, all_floats | DTypeSet{DType::int32});
  table.add<op::StreamKey>(stream_key_kernel, {DType::int64});
}

}  // namespace weft::cuda
