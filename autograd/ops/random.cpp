#include <weft/autograd/ops/random.hpp>

#include <cmath>
#include <limits>

#include <weft/autograd/jit/trace.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/sort.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>
#include <weft/core/key_words.hpp>

namespace weft {
namespace {

void expect_key(std::string_view op, const Spec& key) {
  if (!(key == Spec{{4}, DType::int32}))
    throw ShapeError(std::string(op) + ": expected a key int32[4], got " + to_string(key));
}

template <class Op> Specs draw_shape(const Op& op, std::span<const Spec> inputs) {
  expect_key(Op::name, inputs[0]);
  if constexpr (requires { op.dtype; }) return {{op.shape, op.dtype}};
  else return {{op.shape, DType::int32}};
}

Specs dropout_shape(const op::Dropout&, std::span<const Spec> inputs) {
  expect_float("dropout", inputs[0]);
  expect_key("dropout", inputs[1]);
  return {inputs[0]};
}

Tensors dropout_grad(const op::Dropout& op, const GradCall& call) {
  return {apply(op, {call.cotangent(), call.inputs[1]}), Tensor()};
}

Tensor sample_key(uint32_t counter) { return key_tensor({0x0123456789abcdefULL, 7, counter}, Device()); }

std::vector<Sample> bits_samples() {
  return {sample(op::RandomBits{{3, 5, 7}}, {sample_key(0)}), sample(op::RandomBits{{}}, {sample_key(1)}),
          sample(op::RandomBits{{0, 3}}, {sample_key(2)}), sample(op::RandomBits{{20011}}, {sample_key(3)})};
}
std::vector<Sample> uniform_samples() {
  return {sample(op::RandomUniform{{3, 5, 7}, 0, 1, DType::float32}, {sample_key(0)}),
          sample(op::RandomUniform{{11}, -2, 3, DType::float64}, {sample_key(1)}),
          sample(op::RandomUniform{{}, 5, 5, DType::float32}, {sample_key(2)}),
          sample(op::RandomUniform{{0}, 0, 1, DType::float32}, {sample_key(3)}),
          sample(op::RandomUniform{{20011}, -0.1, 0.1, DType::float32}, {sample_key(4)})};
}
std::vector<Sample> normal_samples() {
  double infinity = std::numeric_limits<double>::infinity();
  return {sample(op::RandomNormal{{3, 5, 7}, -infinity, infinity, DType::float32}, {sample_key(0)}),
          sample(op::RandomNormal{{211}, -2, 2, DType::float64}, {sample_key(1)}),
          sample(op::RandomNormal{{}, 1, infinity, DType::float64}, {sample_key(2)}),
          sample(op::RandomNormal{{0}, -1, 1, DType::float32}, {sample_key(3)}),
          sample(op::RandomNormal{{2503}, -infinity, infinity, DType::float64}, {sample_key(4)})};
}
std::vector<Sample> integers_samples() {
  return {sample(op::RandomIntegers{{3, 5, 7}, -3, 11, DType::int32}, {sample_key(0)}),
          sample(op::RandomIntegers{{11}, 1000000000000, 1000000000000 + (int64_t{1} << 32), DType::int64},
                 {sample_key(1)}),
          sample(op::RandomIntegers{{}, 5, 6, DType::int32}, {sample_key(2)}),
          sample(op::RandomIntegers{{20011}, 0, 2, DType::int32}, {sample_key(3)})};
}
std::vector<Sample> dropout_samples() {
  return {sample(op::Dropout{0.25, {}}, {spread({3, 5, 7}, -1, 1), sample_key(0)}),
          sample(op::Dropout{0.5, {0, 2}}, {spread({3, 11, 2}, -1, 1), sample_key(1)}),
          sample(op::Dropout{0.5, {1}}, {spread({7, 5}, -1, 1), sample_key(1)}),
          sample(op::Dropout{1, {}}, {spread({13}, -1, 1), sample_key(2)}),
          sample(op::Dropout{0.9, {}}, {spread({}, -1, 1), sample_key(3)}),
          sample(op::Dropout{0.9, {}}, {spread({0, 2}, -1, 1), sample_key(3)}),
          sample(op::Dropout{0.1, {}}, {spread({149, 67}, -1, 1), sample_key(4)})};
}

template <class Op> Tensor draw(const Op& op, const RandomKey& key, Device device) {
  return apply(op, {key_tensor(key, device)});
}

void expect_range(const char* op, double low, double high, DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError(std::string(op) + ": expected a floating dtype, got " + std::string(name_of(dtype)));
  if (!(low <= high))
    throw ValueError(std::string(op) + ": expected low <= high, got " + std::to_string(low) + " and " +
                     std::to_string(high));
}

/// Half types are drawn in float32.
DType drawn_dtype(DType dtype) { return is_half(dtype) ? DType::float32 : dtype; }

}  // namespace

void define_random() {
  define_primitive<op::RandomBits>(
      {.shape = draw_shape<op::RandomBits>, .samples = bits_samples, .not_differentiable = true});
  define_primitive<op::RandomUniform>(
      {.shape = draw_shape<op::RandomUniform>, .samples = uniform_samples, .not_differentiable = true});
  define_primitive<op::RandomNormal>(
      {.shape = draw_shape<op::RandomNormal>, .samples = normal_samples, .not_differentiable = true});
  define_primitive<op::RandomIntegers>(
      {.shape = draw_shape<op::RandomIntegers>, .samples = integers_samples, .not_differentiable = true});
  define_primitive<op::Dropout>(
      {.shape = dropout_shape, .grad = dropout_grad, .samples = dropout_samples, .saved_inputs = 0b10});
}

Tensor key_tensor(const RandomKey& key, Device device) {
  if (const Trace* trace = Trace::current())
    if (const Tensor* live = trace->bound_key(key)) return live->to(device);
  const auto words = key_words(key);
  return Tensor::from(std::span<const int32_t>(words), {4}, device);
}

RandomKey key_from_tensor(const Tensor& key) {
  expect_key("key_from_tensor", key.spec());
  return key_from_words(key.to_vector<int32_t>().data());
}

Tensor random_bits(const Shape& shape, const RandomKey& key, Device device) {
  return draw(op::RandomBits{shape}, key, device);
}

Tensor uniform(const Shape& shape, const RandomKey& key, double low, double high, DType dtype, Device device) {
  expect_range("uniform", low, high, dtype);
  if (!std::isfinite(high - low)) throw ValueError("uniform: expected finite bounds");
  return cast(draw(op::RandomUniform{shape, low, high, drawn_dtype(dtype)}, key, device), dtype);
}

Tensor normal(const Shape& shape, const RandomKey& key, DType dtype, Device device) {
  double infinity = std::numeric_limits<double>::infinity();
  return truncated_normal(shape, key, -infinity, infinity, dtype, device);
}

Tensor truncated_normal(const Shape& shape, const RandomKey& key, double low, double high, DType dtype, Device device) {
  expect_range("normal", low, high, dtype);
  return cast(draw(op::RandomNormal{shape, low, high, drawn_dtype(dtype)}, key, device), dtype);
}

Tensor bernoulli(const Shape& shape, const RandomKey& key, double p, Device device) {
  if (!(p >= 0 && p <= 1)) throw ValueError("bernoulli: expected a probability from 0 to 1, got " + std::to_string(p));
  return less(uniform(shape, key, 0, 1, DType::float32, device), p);
}

Tensor randint(const Shape& shape, const RandomKey& key, int64_t low, int64_t high, DType dtype, Device device) {
  if (!is_integer(dtype)) throw DTypeError("randint: expected an integer dtype, got " + std::string(name_of(dtype)));
  int64_t range;
  bool fits = !__builtin_sub_overflow(high, low, &range) && range > 0 && range <= int64_t{1} << 32;
  if (dtype == DType::int32)
    fits = fits && low >= std::numeric_limits<int32_t>::lowest() && high - 1 <= std::numeric_limits<int32_t>::max();
  if (!fits)
    throw ValueError("randint: expected low < high, at most 2^32 apart and within " + std::string(name_of(dtype)) +
                     ", got " + std::to_string(low) + " and " + std::to_string(high));
  return draw(op::RandomIntegers{shape, low, high, dtype}, key, device);
}

Tensor permutation(int64_t n, const RandomKey& key, Device device) { return argsort(random_bits({n}, key, device)); }

Tensor permutation(const Tensor& x, const RandomKey& key, int axis) {
  return take(x, permutation(x.size(axis), key, x.device()), axis);
}

Tensor dropout(const Tensor& x, double rate, const RandomKey& key, const Shape& broadcast_axes) {
  if (!(rate >= 0 && rate <= 1)) throw ValueError("dropout: expected a rate from 0 to 1, got " + std::to_string(rate));
  expect_float("dropout", x.spec());
  if (rate == 0) return x;
  Shape axes = broadcast_axes.rank() ? normalize_axes(broadcast_axes, x.shape(), "dropout") : Shape();
  return apply(op::Dropout{rate, axes}, {x, key_tensor(key, x.device())});
}

}  // namespace weft
