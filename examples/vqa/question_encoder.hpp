#pragma once

#include <optional>

#include <weft/examples/vqa/picture_encoder.hpp>

namespace weft::examples::vqa {

/// The words of a question look at each other: words [R, Q, T, width], how many are real [R, Q].
struct WordAttention {
  LayerNorm norm;
  MultiHeadAttention attend;
  WEFT_MODULE(WordAttention, norm, attend)

  WordAttention(const ModelOptions& options, Rngs& rngs);
  /// All words, or the answer token alone: [R, Q, T or 1, width].
  Tensor operator()(const Tensor& words, const Tensor& lengths, bool answer_only = false) const;
};

/// tokens [R, Q, T], how many are real [R, Q] -> words [R, Q, T, width], the answer token first.
struct QuestionEncoder {
  Embed embed;
  Param positions;                    ///< [T, width]
  std::optional<WordAttention> read;  ///< with TextEncoder::transformer, followed by `think`
  std::optional<RNN<GRUCell>> recur;  ///< with TextEncoder::gru
  std::optional<FeedForward> think;
  TextEncoder text;
  WEFT_MODULE(QuestionEncoder, embed, positions, read, recur, think, text)

  QuestionEncoder(const ModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& tokens, const Tensor& lengths) const;
};

}  // namespace weft::examples::vqa
