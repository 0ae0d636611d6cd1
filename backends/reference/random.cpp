#include <weft/autograd/ops/random.hpp>

#include <algorithm>
#include <cmath>

#include <weft/autograd/ops/stream_key.hpp>
#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>
#include <weft/core/key_words.hpp>

namespace weft {
namespace {

// One element at a time, each from its own block of Philox.

RandomKey read_key(const Tensor& key) { return key_from_words(key.raw_as<int32_t>()); }

/// out[i] = value(bits of element i).
template <class T, class F> void fill(const KernelCall& call, F&& value) {
  const RandomKey key = read_key(call.inputs.back());
  Tensor& out = call.outputs[0];
  for (int64_t i = 0; i < out.elements(); ++i)
    out.mutable_raw_as<T>()[i] = static_cast<T>(value(random_bits(key, static_cast<uint64_t>(i))));
}

void bits_kernel(const KernelCall& call) {
  fill<int32_t>(call, [](uint32_t bits) { return static_cast<int32_t>(bits); });
}

void uniform_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomUniform>();
  visit_wide_float(op.dtype, [&]<class T>(std::type_identity<T>) {
    fill<T>(call, [&](uint32_t bits) {
      const double unit = static_cast<double>(bits >> 8) / 16777216;
      T value = static_cast<T>(op.low + (op.high - op.low) * unit);
      if (value >= static_cast<T>(op.high)) value = std::nextafter(static_cast<T>(op.high), static_cast<T>(op.low));
      return value;
    });
  });
}

/// The quantile by bisection and Newton's method in long double: slow, and nothing like the formula of core/normal.cpp.
double quantile(long double p) {
  constexpr long double root_half = 0.70710678118654752440084436210485L,
                        root_two_pi = 2.506628274631000502415765284811L;
  if (p == 0.5L) return 0;
  const bool upper = p > 0.5L;
  const long double tail = upper ? 1 - p : p;  // P(Z <= x) of the mirrored, negative x
  // Near the middle the distance from 1/2 carries the digits, in the tail the probability itself.
  auto excess = [&](long double x) {
    return tail > 0.25L ? (0.5L - tail) + 0.5L * std::erf(x * root_half) : 0.5L * std::erfc(-x * root_half) - tail;
  };
  long double low = -40, high = 0;
  for (int i = 0; i < 20; ++i) {
    const long double middle = (low + high) / 2;
    (excess(middle) < 0 ? low : high) = middle;
  }
  long double x = (low + high) / 2;
  for (int i = 0; i < 8; ++i) x -= excess(x) * root_two_pi * std::exp(x * x / 2);
  return static_cast<double>(upper ? -x : x);
}

void normal_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomNormal>();
  auto probability = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  const double low = probability(op.low), high = probability(op.high);
  visit_wide_float(op.dtype, [&]<class T>(std::type_identity<T>) {
    fill<T>(call, [&](uint32_t bits) {
      const double unit = (static_cast<double>(bits) + 0.5) / 4294967296.0;
      return std::fmin(std::fmax(quantile(low + (high - low) * unit), op.low), op.high);
    });
  });
}

void integers_kernel(const KernelCall& call) {
  const auto& op = call.op<op::RandomIntegers>();
  auto value = [&](uint32_t bits) {
    return op.low + static_cast<int64_t>(bits * static_cast<uint64_t>(op.high - op.low) / 4294967296u);
  };
  if (op.dtype == DType::int32) fill<int32_t>(call, value);
  else fill<int64_t>(call, value);
}

void dropout_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Dropout>();
  const Tensor& x = call.inputs[0];
  const RandomKey key = read_key(call.inputs[1]);
  Shape mask = x.shape();
  for (int64_t axis : op.broadcast_axes) mask[static_cast<int>(axis)] = 1;
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(x.shape(), [&](int64_t flat, const Shape& index) {
      Shape place = index;
      for (int64_t axis : op.broadcast_axes) place[static_cast<int>(axis)] = 0;
      const uint32_t bits = random_bits(key, static_cast<uint64_t>(reference::flat_place(place, mask)));
      const bool kept = bits >> 8 >= static_cast<uint32_t>(op.rate * 16777216);
      call.outputs[0].mutable_raw_as<T>()[flat] = kept ? x.raw_as<T>()[flat] * static_cast<T>(1 / (1 - op.rate)) : T(0);
    });
  });
}

void stream_key_kernel(const KernelCall& call) {
  const auto number = [&](size_t i) { return static_cast<uint64_t>(*call.inputs[i].raw_as<int64_t>()); };
  const RandomKey key = stream_draw(number(0), call.op<op::StreamKey>().stream, number(1));
  std::ranges::copy(key_words(key), call.outputs[0].mutable_raw_as<int32_t>());
}

}  // namespace

void register_reference_random(KernelTable& table) {
  table.add<op::RandomBits>(bits_kernel, {DType::int32});
  table.add<op::RandomUniform>(uniform_kernel, {DType::int32});
  table.add<op::RandomNormal>(normal_kernel, {DType::int32});
  table.add<op::RandomIntegers>(integers_kernel, {DType::int32});
  table.add<op::Dropout>(dropout_kernel, wide_floats | DTypeSet{DType::int32});
  table.add<op::StreamKey>(stream_key_kernel, {DType::int64});
}

}  // namespace weft
