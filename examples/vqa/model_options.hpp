#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::examples::vqa {

/// A 3 x 3 convolution with batch norm and ReLU.
struct ConvStage {
  int64_t features = 0, stride = 1;
};

/// What makes queries of a question.
enum class TextEncoder {
  bag_of_words,  ///< every word keeps its embedding; the answer token has their mean
  gru,           ///< a recurrent network over the words; the answer token has its last state
  transformer,   ///< a block of self-attention
};
/// `bow`, `gru` or `transformer`; throws ValueError for another name.
TextEncoder text_encoder(const std::string& name);

/// How question and picture meet.
enum class Fusion {
  attention,  ///< words look at cells
  film,       ///< the question scales and shifts a picture's features (Perez et al. 2018)
  mlp,        ///< all cells and the question side by side into an MLP (CNN+MLP of Santoro et al. 2017)
};

struct ModelOptions {
  int64_t vocabulary = 0, answers = 0, tokens = 0;  ///< word numbers, answers, longest question; have to be given
  int64_t height = 64, width = 64;                  ///< of the pictures

  std::vector<ConvStage> stages{{16, 2}, {32, 2}, {64, 2}};
  double norm_momentum = 0.99;    ///< of the running statistics of the batch norms
  bool picture_positions = true;  ///< tell the picture's cells where they are
  bool coordinates = false;       ///< tell them also in plain coordinates and their squares
  bool cell_feed = false;         ///< a feed-forward of each cell, where its content meets its place
  int64_t cell_layers = 0;        ///< blocks in which cells look at each other, once per picture

  int64_t word_width = 48;
  TextEncoder text = TextEncoder::transformer;
  int64_t cross_layers = 2, heads = 4, attention_width = 64;  ///< all heads together
  bool null_slot = true;                                      ///< a query may attend to nothing
  bool equal_widths = false;                                  ///< bring cells to the width of the words first

  Fusion fusion = Fusion::attention;
  int64_t film_width = 0, film_blocks = 0;     ///< with Fusion::film
  int64_t mlp_cell_width = 0, mlp_hidden = 0;  ///< with Fusion::mlp

  // For ablations.
  bool pictures = true;            ///< false: the picture's features are zeros
  bool questions = true;           ///< false: every question reads as the answer token alone
  bool uniform_attention = false;  ///< every query looks at all cells alike
};

/// Rows and columns of the cells that a picture becomes.
struct Grid {
  int64_t rows = 0, columns = 0;
  int64_t cells() const { return rows * columns; }
  bool operator==(const Grid&) const = default;
};
Grid grid_of(const ModelOptions& options);

}  // namespace weft::examples::vqa
