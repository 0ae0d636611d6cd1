#pragma once

#include <optional>

#include <weft/examples/vqa/question_encoder.hpp>

namespace weft::examples::vqa {

/// The words look at the picture's cells, tell each other what they saw, and think: words [R, Q, T, word_width], how
/// many are real [R, Q], cells [B, C, cell width], the picture of each row [R].
struct CrossBlock {
  LayerNorm norm;
  MultiHeadAttention attend;
  WordAttention talk;
  FeedForward feed;
  WEFT_MODULE(CrossBlock, norm, attend, talk, feed)

  CrossBlock(const ModelOptions& options, Rngs& rngs);
  /// All words, or the answer token alone: [R, Q, T or 1, word_width]. `visible`, where it is defined, says which cells
  /// a word may look at: [R, 1, Q * T, C].
  Tensor operator()(const Tensor& words, const Tensor& lengths, const Tensor& cells, const Tensor& row,
                    bool answer_only, const Tensor& visible = {}) const;
};

}  // namespace weft::examples::vqa
