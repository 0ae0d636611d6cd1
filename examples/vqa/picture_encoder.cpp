#include <weft/examples/vqa/picture_encoder.hpp>

#include <cmath>
#include <numbers>

namespace weft::examples::vqa {
namespace {

int64_t halved(int64_t extent, int64_t stride) { return (extent + stride - 1) / stride; }

}  // namespace

Grid grid_of(const ModelOptions& options) {
  Grid grid{options.height, options.width};
  for (const ConvStage& stage : options.stages)
    grid = {halved(grid.rows, stage.stride), halved(grid.columns, stage.stride)};
  return grid;
}

int64_t cell_width(const ModelOptions& options) {
  return options.stages.back().features + (options.coordinates ? 20 : 16);
}

std::vector<std::pair<int64_t, int64_t>> centred_paddings(const std::vector<ConvStage>& stages, int64_t extent) {
  std::vector<std::pair<int64_t, int64_t>> paddings(stages.size(), {1, 1});
  std::vector<int64_t> extents{extent}, spacings{1};
  for (const ConvStage& stage : stages) {
    extents.push_back(halved(extents.back(), stage.stride));
    spacings.push_back(spacings.back() * stage.stride);
  }
  // Windows are centred on pixel spacing * i + offset. The best offset has them as far from one end as from the other;
  // padding behind moves the windows of its stage by one of the stage's input pixels, the largest steps first.
  double missing =
      (static_cast<double>(extent - 1) - static_cast<double>(spacings.back() * (extents[stages.size()] - 1))) / 2;
  for (size_t i = stages.size(); i-- > 0;) {
    if (stages[i].stride != 2 || extents[i] % 2 != 0) continue;
    auto step = static_cast<double>(spacings[i]);
    bool behind = missing >= step / 2;
    paddings[i] = behind ? std::pair<int64_t, int64_t>{0, 1} : std::pair<int64_t, int64_t>{1, 0};
    if (behind) missing -= step;
  }
  return paddings;
}

ConvBlock::ConvBlock(const ConvStage& stage, const Padding& padding, double norm_momentum, Rngs& rngs)
    : conv({.out_features = stage.features,
            .kernel_size = {3, 3},
            .strides = {stage.stride, stage.stride},
            .padding = padding,
            .use_bias = false},
           rngs),
      norm({.momentum = norm_momentum}, rngs) {}

Tensor ConvBlock::operator()(const Tensor& x) const {
  Scope scope(*this);
  return relu(norm(conv(x)));
}

CellBlock::CellBlock(const ModelOptions& options, int64_t width, Rngs& rngs)
    : norm({}, rngs),
      attend({.query_features = width, .num_heads = options.heads, .head_dim = options.attention_width / options.heads},
             rngs),
      feed(width, 128, rngs) {}

Tensor CellBlock::operator()(const Tensor& cells) const {
  Scope scope(*this);
  return feed(cells + attend(norm(cells)));
}

PictureEncoder::PictureEncoder(const ModelOptions& options, Rngs& rngs)
    : positions(options.picture_positions),
      coordinates(options.coordinates),
      rows(grid_of(options).rows),
      columns(grid_of(options).columns) {
  auto down = centred_paddings(options.stages, options.height),
       across = centred_paddings(options.stages, options.width);
  for (size_t i = 0; i < options.stages.size(); ++i)
    stages.emplace_back(options.stages[i], Padding{down[i], across[i]}, options.norm_momentum, rngs);
  int64_t width = cell_width(options);
  if (options.cell_feed) feed.emplace(width, 128, rngs);
  for (int64_t i = 0; i < options.cell_layers; ++i) blocks.emplace_back(options, width, rngs);
  if (feed || !blocks.empty()) norm.emplace(LayerNormOptions{}, rngs);
}

Tensor PictureEncoder::operator()(const Tensor& pictures) const {
  Scope scope(*this);
  Tensor x = pictures;
  for (const ConvBlock& stage : stages) x = stage(x);
  const int64_t batch = x.size(0);
  Tensor places = position_features(rows, columns, coordinates).to(x.device());
  if (!positions) places = zeros_like(places);
  x = concatenate({x, broadcast_to(places, {batch, rows, columns, places.size(2)})}, -1);
  x = reshape(x, {batch, rows * columns, x.size(3)});
  if (feed) x = (*feed)(x);
  for (const CellBlock& block : blocks) x = block(x);
  return norm ? (*norm)(x) : x;
}

}  // namespace weft::examples::vqa
