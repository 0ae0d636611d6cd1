#pragma once

#include <vector>

#include <weft/weft.hpp>

namespace weft::examples::vqa {

struct ModelOptions {
  int64_t vocabulary = 0, answers = 0, tokens = 0;  ///< word numbers, answers, longest question; have to be given
  int64_t cross_layers = 2, heads = 4;
  bool null_slot = true;           ///< a query may attend to nothing
  bool picture_positions = true;   ///< tell the picture's cells where they are
  bool pictures = true;            ///< false: the picture's features are zeros, for the question-only ablation
  bool uniform_attention = false;  ///< every query looks at all cells alike
};

constexpr int64_t word_width = 48;
constexpr int64_t picture_width = 80;  // 64 channels and 16 of position

/// Three convolutions of stride 2: picture [B, H, W, 3] -> cells [B, H/8 * W/8, 80].
struct PictureEncoder {
  Conv first, second, third;
  BatchNorm first_norm, second_norm, third_norm;
  bool positions;
  WEFT_MODULE(PictureEncoder, first, second, third, first_norm, second_norm, third_norm, positions)

  PictureEncoder(bool positions, Rngs& rngs);
  Tensor operator()(const Tensor& pictures) const;
};

/// x + down(gelu(up(norm(x)))), x [..., 48].
struct FeedForward {
  LayerNorm norm;
  Linear up, down;
  WEFT_MODULE(FeedForward, norm, up, down)

  explicit FeedForward(Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

/// The words of a question look at each other: words [B, Q, T, 48], how many are real [B, Q].
struct WordAttention {
  LayerNorm norm;
  MultiHeadAttention attend;
  WEFT_MODULE(WordAttention, norm, attend)

  WordAttention(const ModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& words, const Tensor& lengths) const;
};

/// The words (48 wide) look at the picture's cells (80 wide), tell each other what they saw, and think: words
/// [B, Q, T, 48], how many are real [B, Q], cells [B, C, 80].
struct CrossBlock {
  LayerNorm norm;
  MultiHeadAttention attend;
  WordAttention talk;
  FeedForward feed;
  WEFT_MODULE(CrossBlock, norm, attend, talk, feed)

  CrossBlock(const ModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& words, const Tensor& lengths, const Tensor& cells) const;
};

/// Answers questions about pictures. Keys and values of a picture are projected once, for all of its questions.
struct VqaModel {
  PictureEncoder see;
  Embed embed;
  Param word_positions;  ///< [T, 48]
  WordAttention read;
  FeedForward think;
  std::vector<CrossBlock> cross;
  LayerNorm norm;
  Linear hidden, answer;
  bool pictures;
  WEFT_MODULE(VqaModel, see, embed, word_positions, read, think, cross, norm, hidden, answer, pictures)

  VqaModel(const ModelOptions& options, Rngs& rngs);
  /// pictures [B, H, W, 3], tokens [B, Q, T], real [B, Q, T] -> logits [B, Q, answers], read off the first token.
  Tensor operator()(const Tensor& pictures, const Tensor& tokens, const Tensor& real) const;
};

/// Sines and cosines of 1, 2, 4 and 8 half turns across the picture: [rows, columns, 16].
Tensor position_features(int64_t rows, int64_t columns);

/// Lets every cross layer of a trained model look at all cells alike.
void make_attention_uniform(VqaModel& model);

}  // namespace weft::examples::vqa
