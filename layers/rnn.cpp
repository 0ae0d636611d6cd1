#include <weft/layers/rnn.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>

namespace weft::detail {

Tensor to_time_major(const Tensor& x, bool time_major) {
  if (x.rank() < 2)
    throw ShapeError(std::string("expected inputs ") +
                     (time_major ? "[time, batch..., features]" : "[batch..., time, features]") + ", got " +
                     to_string(x.shape()));
  return time_major ? x : moveaxis(x, -2, 0);
}

Tensor from_time_major(const Tensor& x, bool time_major) { return time_major ? x : moveaxis(x, 0, -2); }

Tensor lengths_of(const Tensor& seq_lengths, const Tensor& x) {
  if (!seq_lengths.defined()) return {};
  if (!is_integer(seq_lengths.dtype()))
    throw DTypeError("expected integer seq_lengths, got " + std::string(name_of(seq_lengths.dtype())));
  const Shape batch = x.shape().slice(1, x.rank() - 1);
  if (!(seq_lengths.shape() == batch))
    throw ShapeError("expected seq_lengths " + to_string(batch) + ", got " + to_string(seq_lengths.shape()));
  return expand_dims(clip(cast(seq_lengths, DType::int64), 0, x.shape()[0]), -1);
}

Tensor turn(const Tensor& x, const Tensor& lengths) {
  const int64_t time = x.shape()[0];
  if (time == 0) return x;
  Shape steps(lengths.shape());
  for (int i = 0; i < steps.rank(); ++i) steps[i] = 1;
  Shape column{time};
  for (int64_t extent : steps) column.push_back(extent);
  const Tensor from_end = time - 1 - reshape(arange(time, DType::int64, lengths.device()), column) + lengths;
  return take_along_axis(x, where(greater_equal(from_end, time), from_end - time, from_end), 0);
}

Tensor at_step(const Tensor& x, int64_t t) { return x[{t}]; }

Tensor ends_at(const Tensor& lengths, int64_t t) { return equal(lengths, t + 1); }

}  // namespace weft::detail
