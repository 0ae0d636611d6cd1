#pragma once

#include <optional>
#include <vector>

#include <weft/examples/vqa/baselines.hpp>
#include <weft/examples/vqa/cross_block.hpp>

namespace weft::examples::vqa {

/// Answers questions about pictures. Keys and values of a picture are projected once, for all of its questions.
struct VqaModel {
  PictureEncoder see;
  std::optional<Linear> narrow;  ///< cells to the width of words, with equal_widths
  QuestionEncoder read;
  std::vector<CrossBlock> cross;   ///< with Fusion::attention
  std::optional<FilmReader> film;  ///< with Fusion::film
  std::optional<MlpReader> mlp;    ///< with Fusion::mlp
  LayerNorm norm;
  Linear hidden, answer;
  bool pictures, questions;
  WEFT_MODULE(VqaModel, see, narrow, read, cross, film, mlp, norm, hidden, answer, pictures, questions)

  VqaModel(const ModelOptions& options, Rngs& rngs);
  /// pictures [B, H, W, 3], row [R], tokens [R, Q, T], real [R, Q, T] -> logits [R, Q, answers], read off the first
  /// token; see Batch. `visible` as in CrossBlock.
  Tensor operator()(const Tensor& pictures, const Tensor& row, const Tensor& tokens, const Tensor& real,
                    const Tensor& visible = {}) const;
};

/// Lets every cross layer of a trained model look at all cells alike.
void make_attention_uniform(VqaModel& model);

}  // namespace weft::examples::vqa
