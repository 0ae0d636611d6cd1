#pragma once

#include <optional>
#include <string>
#include <vector>

#include <weft/examples/common/feed_forward.hpp>
#include <weft/examples/common/position_features.hpp>
#include <weft/examples/hierarchical_fusion/legend_map.hpp>
#include <weft/weft.hpp>

namespace weft::examples::hierarchy {

constexpr int64_t low_width = 32;                    ///< features of a low-level pixel
constexpr int64_t high_width = 112;                  ///< of a high-level token: 96 channels and 16 of position
constexpr int64_t low_extent = 32, high_extent = 8;  ///< grids
constexpr int64_t sub_pixels = 2;                    ///< each low-level pixel answers for 2 x 2 pixels of the picture

/// How low-level pixels come by what the high level knows.
enum class Fusion : uint8_t {
  attention,    ///< every pixel looks among all high-level tokens
  add,          ///< feature pyramid: upsampled, projected, added (Lin et al. 2017)
  concat,       ///< U-Net: upsampled, concatenated, convolved (Ronneberger et al. 2015)
  gate,         ///< attention gate: the high level weighs the low-level features (Oktay et al. 2018)
  aff,          ///< attentional feature fusion: a learned mask mixes both (Dai et al. 2021)
  class_token,  ///< CrossViT: one token for the low level looks at the high level (Chen et al. 2021)
  high_only,    ///< upsampled high level alone
  low_only      ///< as many parameters in convolutions on the low level
};

/// `attention`, `add`, `concat`, `gate`, `aff`, `cls`, `high`, `low`.
const char* name_of(Fusion fusion);
/// The reverse; throws ValueError listing the names.
Fusion fusion_of(const std::string& name);

struct LegendModelOptions {
  Fusion fusion = Fusion::attention;
  int64_t cross_layers = 2, heads = 4;
  bool uniform_attention = false;  ///< every pixel looks at all tokens alike
};

/// Queries of one width look at tokens of another, and think: queries [B, Q, 32], tokens [B, T, 112].
struct LookUp {
  LayerNorm norm;
  MultiHeadAttention attend;
  FeedForward feed;
  WEFT_MODULE(LookUp, norm, attend, feed)

  LookUp(const LegendModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& queries, const Tensor& tokens) const;
};

/// Convolution without a bias, batch norm, ReLU.
struct ConvBlock {
  Conv conv;
  BatchNorm norm;
  WEFT_MODULE(ConvBlock, conv, norm)

  ConvBlock(const ConvOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

/// x + two 3 x 3 convolutions through `hidden` channels on the 8 x 8 grid, dilated 3 and 1: with them each cell sees
/// the whole picture. This is where fusions cheaper than attention get the parameters that they lack.
struct Context {
  ConvBlock wide, close;
  WEFT_MODULE(Context, wide, close)

  Context(int64_t hidden, Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

struct MapLogits {
  Tensor pixels;  ///< [B, 32, 32, 2, 2, 7]: rows and columns of 2 x 2 blocks, pixels within the block
  Tensor cells;   ///< [B, 8, 8, 7]: whose glyph a high-level cell holds; undefined without a high level
};

/// Labels every pixel of pictures [B, 64, 64, 3] of legend maps. Two levels of one convolutional network: low [B, 32,
/// 32, 32], high [B, 8, 8, 96] with positions beside it, fused as the options say.
struct LegendModel {
  ConvBlock first, low;                 ///< stride 2, then 1
  std::vector<ConvBlock> high;          ///< stride 2, 2, and 1 with a residual; none with low_only
  std::vector<Context> context;         ///< none or one
  std::vector<LookUp> look;             ///< attention and class_token
  std::optional<LayerNorm> token_norm;  ///< over the 112 of a token
  std::vector<ConvBlock> mix;           ///< convolutions of the other fusions
  std::vector<Linear> project;          ///< and their projections
  ConvBlock smooth;
  Linear label;              ///< 32 -> 2 * 2 * 7
  std::vector<Linear> read;  ///< 96 -> 7: what a cell shows of the legend, for deep supervision
  Fusion fusion;
  WEFT_MODULE(LegendModel, first, low, high, context, look, token_norm, mix, project, smooth, label, read, fusion)

  LegendModel(const LegendModelOptions& options, Rngs& rngs);
  /// The high level sees `sources` [B, 64, 64, 3] where given, instead of the pictures: a control, whose map and legend
  /// have nothing to do with each other.
  MapLogits operator()(const Tensor& pictures, const Tensor& sources = {}) const;

 private:
  Tensor fuse(const Tensor& pixels, const Tensor& cells) const;
};

/// Lets every cross layer of a trained model look at all tokens alike.
void make_attention_uniform(LegendModel& model);

/// A model with fresh parameters.
LegendModel make_legend_model(const LegendModelOptions& options, uint64_t seed);

}  // namespace weft::examples::hierarchy
