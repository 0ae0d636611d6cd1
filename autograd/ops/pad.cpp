#include <weft/autograd/ops/pad.hpp>

#include <algorithm>

#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs pad_shape(const op::Pad& op, std::span<const Spec> inputs) {
  Spec result = inputs[0];
  int rank = result.shape.rank();
  bool fits = op.low.rank() == rank && op.high.rank() == rank && op.interior.rank() == rank;
  for (int i = 0; fits && i < rank; ++i) {
    fits = op.low[i] >= 0 && op.high[i] >= 0 && op.interior[i] >= 0;
    result.shape[i] += op.low[i] + op.high[i] + std::max<int64_t>(result.shape[i] - 1, 0) * op.interior[i];
  }
  if (!fits)
    throw ShapeError("pad: expected one width of 0 or more for each axis of " + to_string(inputs[0].shape) +
                     ", got low " + to_string(op.low) + ", high " + to_string(op.high) + " and interior " +
                     to_string(op.interior));
  return {result};
}

Tensors pad_grad(const op::Pad& op, const GradCall& call) {
  op::Slice slice{op.low, call.inputs[0].shape(), op.interior};
  for (int64_t& step : slice.steps) ++step;
  return {apply(slice, {call.cotangent()})};
}

std::vector<Sample> pad_samples() {
  return {sample(op::Pad{{1, 0, 2}, {2, 3, 0}, {0, 0, 0}, 0}, {spread({3, 5, 2}, -1, 1)}),
          sample(op::Pad{{2}, {1}, {3}, 1.5}, {spread({7}, -1, 1)}),
          sample(op::Pad{{0, 1}, {1, 0}, {1, 2}, -0.5}, {spread({3, 5}, -1, 1)}),
          sample(op::Pad{{}, {}, {}, 1}, {spread({}, -1, 1)}),
          sample(op::Pad{{2, 1}, {3, 0}, {4, 0}, 7}, {spread({0, 5}, -1, 1)}),
          sample(op::Pad{{1}, {1}, {0}, 1}, {spread_booleans({5})}),
          sample(op::Pad{{1, 0}, {0, 2}, {0, 1}, -3}, {spread_integers({3, 2}, -9, 9, DType::int64)})};
}

/// Where element `place` of an axis of `extent` elements, continued beyond both ends, is read from.
int64_t source(int64_t place, int64_t extent, PadMode mode) {
  auto modulo = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  switch (mode) {
    case PadMode::edge: return std::clamp<int64_t>(place, 0, extent - 1);
    case PadMode::wrap: return modulo(place, extent);
    case PadMode::symmetric: {
      int64_t around = modulo(place, 2 * extent);
      return around < extent ? around : 2 * extent - 1 - around;
    }
    default: {
      if (extent == 1) return 0;
      int64_t around = modulo(place, 2 * extent - 2);
      return around < extent ? around : 2 * extent - 2 - around;
    }
  }
}

}  // namespace

void define_pad() { define_primitive<op::Pad>({.shape = pad_shape, .grad = pad_grad, .samples = pad_samples}); }

Tensor pad_interior(const Tensor& x, const Shape& low, const Shape& high, const Shape& interior, double value) {
  op::Pad op{low, high, interior, value};
  bool nothing = low.rank() == x.rank() && high.rank() == x.rank() && interior.rank() == x.rank();
  for (int i = 0; nothing && i < x.rank(); ++i) nothing = low[i] == 0 && high[i] == 0 && interior[i] == 0;
  return nothing ? x : apply(op, {x});
}

Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, double value) {
  return pad(x, widths, PadMode::constant, value);
}

Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, PadMode mode, double value) {
  if (static_cast<int>(widths.size()) != x.rank())
    throw ShapeError("pad: expected a width for each axis of " + to_string(x.shape()) + ", got " +
                     std::to_string(widths.size()));
  for (auto [low, high] : widths)
    if (low < 0 || high < 0)
      throw ValueError("pad: expected widths of 0 or more, got " + std::to_string(low) + " and " +
                       std::to_string(high));
  if (mode == PadMode::constant) {
    Shape before, after;
    for (auto [low, high] : widths) {
      before.push_back(low);
      after.push_back(high);
    }
    return pad_interior(x, before, after, Shape::filled(x.rank(), 0), value);
  }
  Tensor result = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    auto [low, high] = widths[static_cast<size_t>(axis)];
    int64_t extent = x.shape()[axis];
    if (low == 0 && high == 0) continue;
    if (extent == 0)
      throw ValueError("pad: expected elements to repeat at axis " + std::to_string(axis) + " of " +
                       to_string(x.shape()));
    std::vector<int64_t> places;
    for (int64_t i = -low; i < extent + high; ++i) places.push_back(source(i, extent, mode));
    result = take(result, Tensor::from(places, {extent + low + high}, x.device()), axis);
  }
  return result;
}

}  // namespace weft
