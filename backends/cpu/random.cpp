#include <weft/autograd/ops/random.hpp>

#include <algorithm>
#include <cmath>

#include <weft/autograd/ops/stream_key.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/strided.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/key_words.hpp>
#include <weft/core/normal_quantile.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

RandomKey read_key(const Tensor& key) { return key_from_words(key.raw_as<int32_t>()); }

/// Elements of a task; a multiple of 4.
constexpr int64_t chunk = 4096;

/// Calls f(bits, begin, end) for fixed chunks of a draw of `count` elements, with the bits of elements begin .. end
/// - 1.
template <class F> void for_each_chunk(const RandomKey& key, int64_t count, F&& f) {
  parallel_chunks(count, chunk, [&](int64_t begin, int64_t end) {
    uint32_t bits[chunk];
    cpu::isa_kernels().random.words(key, static_cast<uint64_t>(begin / 4), (end - begin + 3) / 4, bits);
    f(static_cast<const uint32_t*>(bits), begin, end);
  });
}

/// out[i] = value(bits of element i).
template <class T, class F> void fill(const KernelCall& call, F&& value) {
  T* out = call.outputs[0].mutable_raw_as<T>();
  for_each_chunk(read_key(call.inputs[0]), call.outputs[0].elements(),
                 [&](const uint32_t* bits, int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) out[i] = value(bits[i - begin]);
                 });
}

void bits_kernel(const KernelCall& call) {
  fill<int32_t>(call, [](uint32_t bits) { return static_cast<int32_t>(bits); });
}

void uniform_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomUniform>();
  visit_wide_float(op.dtype, [&]<class T>(std::type_identity<T>) {
    const double low = op.low, span = op.high - op.low;
    // Rounding must not reach the upper end.
    const T most = std::nextafter(static_cast<T>(op.high), static_cast<T>(op.low));
    const RandomKey key = read_key(call.inputs[0]);
    T* out = call.outputs[0].mutable_raw_as<T>();
    parallel_chunks(call.outputs[0].elements(), chunk, [&](int64_t begin, int64_t end) {
      cpu::isa_kernels().random.of<T>().uniform(key, static_cast<uint64_t>(begin / 4), end - begin, low, span, most,
                                                out + begin);
    });
  });
}

void normal_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomNormal>();
  const double low = std::isinf(op.low) ? 0 : normal_probability(op.low);
  const double span = (std::isinf(op.high) ? 1 : normal_probability(op.high)) - low;
  visit_wide_float(op.dtype, [&]<class T>(std::type_identity<T>) {
    fill<T>(call, [&](uint32_t bits) {
      const double unit = (static_cast<double>(bits) + 0.5) * 0x1p-32;
      return static_cast<T>(std::clamp(normal_quantile(low + span * unit), op.low, op.high));
    });
  });
}

void integers_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomIntegers>();
  const auto range = static_cast<uint64_t>(op.high - op.low);
  auto value = [&](uint32_t bits) { return op.low + static_cast<int64_t>(bits * range >> 32); };
  if (op.dtype == DType::int32) fill<int32_t>(call, [&](uint32_t bits) { return static_cast<int32_t>(value(bits)); });
  else fill<int64_t>(call, value);
}

template <class T> void dropout(const op::Dropout& op, const RandomKey& key, const Tensor& x, Tensor& out) {
  const uint32_t threshold = dropout_threshold(op.rate);
  const T scale = static_cast<T>(1 / (1 - op.rate));
  if (op.broadcast_axes.rank() == 0) {
    const T* from = x.raw_as<T>();
    T* to = out.mutable_raw_as<T>();
    parallel_chunks(x.elements(), chunk, [&](int64_t begin, int64_t end) {
      cpu::isa_kernels().random.of<T>().dropout(key, static_cast<uint64_t>(begin / 4), end - begin, threshold, scale,
                                                from + begin, to + begin);
    });
    return;
  }
  Shape shape = x.shape();
  for (int64_t axis : op.broadcast_axes) shape[static_cast<int>(axis)] = 1;
  Tensor mask = Tensor::empty(shape, DType::boolean);
  bool* keep = mask.mutable_raw_as<bool>();
  for_each_chunk(key, mask.elements(), [&](const uint32_t* bits, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) keep[i] = bits[i - begin] >> 8 >= threshold;
  });
  Strides steps = mask.strides();
  for (int64_t axis : op.broadcast_axes) steps[static_cast<int>(axis)] = 0;
  const std::array<cpu::StridedInput, 2> inputs{cpu::StridedInput{x.raw(), x.strides(), sizeof(T)},
                                                cpu::StridedInput{keep, steps, 1}};
  T* to = out.mutable_raw_as<T>();
  cpu::strided_pieces(x.shape(), inputs, [&](const void* const* in, const int64_t* step, int64_t offset, int64_t n) {
    const T* from = static_cast<const T*>(in[0]);
    const bool* kept = static_cast<const bool*>(in[1]);
    for (int64_t i = 0; i < n; ++i) to[offset + i] = kept[i * step[1]] ? from[i * step[0]] * scale : T(0);
  });
}

void dropout_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    dropout<T>(call.op<op::Dropout>(), read_key(call.inputs[1]), call.inputs[0], call.outputs[0]);
  });
}

void stream_key_kernel(const KernelCall& call) {
  const auto number = [&](size_t i) { return static_cast<uint64_t>(*call.inputs[i].raw_as<int64_t>()); };
  const RandomKey key = stream_draw(number(0), call.op<op::StreamKey>().stream, number(1));
  std::ranges::copy(key_words(key), call.outputs[0].mutable_raw_as<int32_t>());
}

}  // namespace

void register_cpu_random(KernelTable& table) {
  table.add<op::RandomBits>(bits_kernel, {DType::int32});
  table.add<op::RandomUniform>(uniform_kernel, {DType::int32});
  table.add<op::RandomNormal>(normal_kernel, {DType::int32});
  table.add<op::RandomIntegers>(integers_kernel, {DType::int32});
  table.add<op::Dropout>(dropout_kernel, wide_floats | DTypeSet{DType::int32});
  table.add<op::StreamKey>(stream_key_kernel, {DType::int64});
}

}  // namespace weft
