#include <weft/autograd/ops/resize.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// Every cell of [batch..., H, W, C] `down` times along H and `across` times along W.
Tensor repeated(const Tensor& x, int64_t down, int64_t across) {
  const int64_t rows = x.size(-3), columns = x.size(-2), features = x.size(-1);
  const int64_t pictures = x.shape().slice(0, x.rank() - 3).elements();
  Shape result = x.shape().slice(0, x.rank() - 3);
  for (int64_t extent : {rows * down, columns * across, features}) result.push_back(extent);
  Tensor spread = broadcast_to(reshape(x, {pictures, rows, 1, columns, 1, features}),
                               {pictures, rows, down, columns, across, features});
  return reshape(spread, result);
}

Tensor nearest(const Tensor& x, int axis, int64_t size) {
  const int64_t extent = x.shape()[axis];
  std::vector<int32_t> from;
  for (int64_t i = 0; i < size; ++i) from.push_back(static_cast<int32_t>((2 * i + 1) * extent / (2 * size)));
  return take(x, Tensor::from(from, {size}, x.device()), axis);
}

Tensor linear_along(const Tensor& x, int axis, int64_t size) {
  const int64_t extent = x.shape()[axis];
  std::vector<int32_t> low, high;
  std::vector<double> share;  // of `high`
  for (int64_t i = 0; i < size; ++i) {
    const double place = (static_cast<double>(i) + 0.5) * static_cast<double>(extent) / static_cast<double>(size) - 0.5;
    const double whole = std::floor(place);
    low.push_back(static_cast<int32_t>(std::clamp<double>(whole, 0, static_cast<double>(extent - 1))));
    high.push_back(static_cast<int32_t>(std::clamp<double>(whole + 1, 0, static_cast<double>(extent - 1))));
    share.push_back(place - whole);
  }
  Shape along = Shape::filled(x.rank() - axis, 1);
  along[0] = size;
  Tensor weight = cast(Tensor::from(share, along, x.device()), x.dtype());
  return take(x, Tensor::from(low, {size}, x.device()), axis) * (1.0 - weight) +
         take(x, Tensor::from(high, {size}, x.device()), axis) * weight;
}

}  // namespace

Tensor resize(const Tensor& pictures, std::array<int64_t, 2> size, Sampling sampling) {
  const int rank = pictures.rank();
  if (rank < 3 || pictures.size(-3) < 1 || pictures.size(-2) < 1)
    throw ShapeError("resize: expected pictures [batch..., H, W, C] of at least one cell, got " +
                     to_string(pictures.shape()));
  if (size[0] < 1 || size[1] < 1)
    throw ShapeError("resize: expected a size of at least 1 x 1, got " + std::to_string(size[0]) + " x " +
                     std::to_string(size[1]));
  if (sampling == Sampling::bilinear && !is_floating(pictures.dtype()))
    throw DTypeError("resize: expected floating pictures between whose cells to interpolate, got " +
                     std::string(name_of(pictures.dtype())));
  const int64_t rows = pictures.size(-3), columns = pictures.size(-2);
  if (sampling == Sampling::nearest && size[0] % rows == 0 && size[1] % columns == 0)
    return repeated(pictures, size[0] / rows, size[1] / columns);
  Tensor x = pictures;
  for (int i = 0; i < 2; ++i) {
    const int axis = rank - 3 + i;
    const int64_t extent = size[static_cast<size_t>(i)];
    if (x.shape()[axis] == extent) continue;
    x = sampling == Sampling::nearest ? nearest(x, axis, extent) : linear_along(x, axis, extent);
  }
  return x;
}

}  // namespace weft
