#pragma once

#include <optional>
#include <vector>

#include <weft/examples/common/feed_forward.hpp>
#include <weft/examples/common/position_features.hpp>
#include <weft/examples/vqa/model_options.hpp>
#include <weft/weft.hpp>

namespace weft::examples::vqa {

/// 3 x 3 convolution, batch norm, ReLU: [B, H, W, in] -> [B, ceil(H / stride), ceil(W / stride), features].
struct ConvBlock {
  Conv conv;
  BatchNorm norm;
  WEFT_MODULE(ConvBlock, conv, norm)

  ConvBlock(const ConvStage& stage, const Padding& padding, double norm_momentum, Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

/// The cells of a picture look at each other: cells [B, C, width].
struct CellBlock {
  LayerNorm norm;
  MultiHeadAttention attend;
  FeedForward feed;
  WEFT_MODULE(CellBlock, norm, attend, feed)

  CellBlock(const ModelOptions& options, int64_t width, Rngs& rngs);
  Tensor operator()(const Tensor& cells) const;
};

/// Convolutions, and the place of each cell: picture [B, H, W, 3] -> cells [B, C, cell_width(options)].
struct PictureEncoder {
  std::vector<ConvBlock> stages;
  std::optional<FeedForward> feed;
  std::vector<CellBlock> blocks;
  std::optional<LayerNorm> norm;  ///< after feed and blocks
  bool positions, coordinates;
  int64_t rows, columns;  ///< of the cells
  WEFT_MODULE(PictureEncoder, stages, feed, blocks, norm, positions, coordinates, rows, columns)

  PictureEncoder(const ModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& pictures) const;
};

/// The last stage's features and those of position.
int64_t cell_width(const ModelOptions& options);

/// Paddings [stages] along one axis that put each cell's window of the last stage as near to the cell's middle as whole
/// pixels allow, so that what attends to a cell looks at what is in it. A window of 3 at stride 2 over an even extent
/// has no middle: the padding is one pixel, before or behind.
std::vector<std::pair<int64_t, int64_t>> centred_paddings(const std::vector<ConvStage>& stages, int64_t extent);

}  // namespace weft::examples::vqa
