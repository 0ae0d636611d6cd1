#include <weft/autograd/ops/grid_sample.hpp>

#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void check(const Tensor& features, const Tensor& places) {
  if (features.rank() != 4)
    throw ShapeError("grid_sample: expected features [B, H, W, C], got " + to_string(features.shape()));
  if (places.rank() < 2 || places.size(-1) != 2 || places.size(0) != features.size(0))
    throw ShapeError("grid_sample: expected places [" + std::to_string(features.size(0)) + ", ..., 2], got " +
                     to_string(places.shape()));
  if (!is_floating(places.dtype()))
    throw DTypeError("grid_sample: expected floating places, got " + std::string(name_of(places.dtype())));
  if (features.size(1) < 1 || features.size(2) < 1)
    throw ShapeError("grid_sample: expected pictures of at least one cell, got " + to_string(features.shape()));
}

/// Places along an axis of `extent` cells, in cells: [B, N].
Tensor in_cells(const Tensor& places, int axis, int64_t extent, const GridSampleOptions& options) {
  Tensor place = squeeze(slice_axis(places, -1, axis, axis + 1), -1);
  const auto cells = static_cast<double>(extent);
  if (options.normalized)
    place = options.align_corners ? (place + 1.0) * ((cells - 1) / 2) : (place + 1.0) * (cells / 2) - 0.5;
  return options.padding == GridPadding::border ? clip(place, 0.0, cells - 1) : place;
}

/// One cell per place: whether there is one, and its number along the axis.
struct Cell {
  Tensor inside, index;
};

Cell cell_at(const Tensor& whole, int64_t extent, DType index) {
  Tensor inside = logical_and(whole >= 0.0, whole <= static_cast<double>(extent - 1));
  return {inside, cast(where(inside, whole, 0.0), index)};  // a place that is no number is in no cell
}

}  // namespace

Tensor grid_sample(const Tensor& features, const Tensor& places, const GridSampleOptions& options) {
  check(features, places);
  const int64_t batch = features.size(0), height = features.size(1), width = features.size(2),
                channels = features.size(3);
  Shape result_shape = places.shape().slice(0, places.rank() - 1);
  result_shape.push_back(channels);
  Tensor flat = reshape(places, {batch, places.shape().slice(1, places.rank() - 1).elements(), 2});
  Tensor column = in_cells(flat, 0, width, options), row = in_cells(flat, 1, height, options);
  Tensor rows = reshape(features, {batch * height * width, channels});
  const DType index = rows.size(0) > std::numeric_limits<int32_t>::max() ? DType::int64 : DType::int32;
  Tensor first = expand_dims(arange(batch, index) * (height * width), 1).to(features.device());

  auto read = [&](const Cell& x, const Cell& y, const Tensor& share) {
    Tensor weight = where(logical_and(x.inside, y.inside), share, 0.0);
    return take(rows, y.index * width + x.index + first, 0) * expand_dims(weight, -1);
  };
  Tensor sum;
  if (options.sampling == Sampling::nearest) {
    sum = read(cell_at(round(column), width, index), cell_at(round(row), height, index), ones_like(column));
  } else {
    Tensor left = floor(column), top = floor(row), right_share = column - left, below_share = row - top;
    for (int down = 0; down < 2; ++down)
      for (int across = 0; across < 2; ++across) {
        Tensor share = (across ? right_share : 1.0 - right_share) * (down ? below_share : 1.0 - below_share);
        Tensor part = read(cell_at(left + across, width, index), cell_at(top + down, height, index), share);
        sum = sum.defined() ? sum + part : part;
      }
  }
  return reshape(sum, result_shape);
}

}  // namespace weft
