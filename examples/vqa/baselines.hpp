#pragma once

#include <vector>

#include <weft/examples/vqa/question_encoder.hpp>

namespace weft::examples::vqa {

/// Two convolutions over a picture's features, the second one's result scaled and shifted by the question before its
/// ReLU (Perez et al. 2018, "FiLM: Visual Reasoning with a General Conditioning Layer"): features [N, rows, columns,
/// width], question [N, word_width].
struct FilmBlock {
  Linear mix;  ///< 1 x 1
  Conv conv;   ///< 3 x 3
  LayerNorm norm;
  FiLM modulate;
  WEFT_MODULE(FilmBlock, mix, conv, norm, modulate)

  FilmBlock(int64_t width, Rngs& rngs);
  Tensor operator()(const Tensor& features, const Tensor& question) const;
};

/// Reads cells [R, C, cell width] under questions [R, Q, word_width] with FiLM blocks; largest value of each feature:
/// [R, Q, word_width].
struct FilmReader {
  Linear narrow;
  std::vector<FilmBlock> blocks;
  Linear widen;
  int64_t rows, columns;
  WEFT_MODULE(FilmReader, narrow, blocks, widen, rows, columns)

  FilmReader(const ModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& cells, const Tensor& questions) const;
};

/// All cells side by side and the question into an MLP: cells [R, C, cell width], questions [R, Q, word_width] ->
/// [R, Q, word_width].
struct MlpReader {
  Linear narrow, picture, question, second, third;
  WEFT_MODULE(MlpReader, narrow, picture, question, second, third)

  MlpReader(const ModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& cells, const Tensor& questions) const;
};

}  // namespace weft::examples::vqa
