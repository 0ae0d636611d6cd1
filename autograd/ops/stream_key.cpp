#include <weft/autograd/ops/stream_key.hpp>

#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs stream_key_shape(const op::StreamKey&, std::span<const Spec> inputs) {
  for (const Spec& input : inputs) {
    const std::string text = "stream_key: expected a key and a count int64[], got " + to_string(input);
    if (input.dtype != DType::int64) throw DTypeError(text);
    if (input.shape.rank() != 0) throw ShapeError(text);
  }
  return {{{4}, DType::int32}};
}

std::vector<Sample> stream_key_samples() {
  auto number = [](int64_t value) { return Tensor::from(std::vector<int64_t>{value}, {}, Device()); };
  return {sample(op::StreamKey{7}, {number(0x0123456789abcdef), number(11)}),
          sample(op::StreamKey{3}, {number(-5), number((int64_t{5} << 32) + 2)})};
}

}  // namespace

Tensor stream_key(const Tensor& key, const Tensor& count, uint32_t stream) {
  return apply(op::StreamKey{stream}, {key, count});
}

void define_stream_key() {
  define_primitive<op::StreamKey>(
      {.shape = stream_key_shape, .samples = stream_key_samples, .not_differentiable = true});
}

}  // namespace weft
