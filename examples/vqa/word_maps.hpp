#pragma once

#include <string>
#include <vector>

#include <weft/examples/common/image.hpp>
#include <weft/examples/common/report.hpp>
#include <weft/examples/vqa/evaluation.hpp>

namespace weft::examples::vqa {

/// Where the words of one question look.
class WordMaps {
 public:
  /// `pixels` [height, width, 3] as the model takes them; tokens as Vocabulary::encode gives them.
  WordMaps(VqaModel& model, const Vocabulary& vocabulary, std::span<const uint8_t> pixels, int64_t height,
           int64_t width, const std::vector<int32_t>& tokens);

  int64_t layers() const { return static_cast<int64_t>(weights_.size()); }
  int64_t heads() const { return heads_; }
  /// `(answer)` first.
  const std::vector<std::string>& words() const { return words_; }
  /// Attention to each cell, and to nothing (the null slot).
  struct Look {
    std::vector<float> cells;
    float nothing = 0;
  };
  /// head -1: the mean of all heads.
  Look look(int64_t layer, size_t word, int64_t head = -1) const;
  /// The picture, three times as large, with a word's attention over it.
  Image drawn(int64_t layer, size_t word, int64_t head = -1) const;
  /// The same without attention.
  Image picture() const;

 private:
  std::vector<std::string> words_;
  std::vector<std::vector<float>> weights_;  // [layers][heads, words, columns]
  int64_t heads_ = 0, columns_ = 0;
  Grid grid_;
  Image picture_;
};

/// The picture and all words of all layers, one row of panels for each layer, mean of the heads.
Image word_sheet(const WordMaps& maps);

/// For a report: the picture of a test question with its objects, then each word of one layer. Objects that the
/// question names are outlined in white, the one that the answer is read off in black; in sets that do not tell their
/// objects, what stands out from the ground.
std::vector<Figure> word_figures(const WordMaps& maps, const DataSet& data, const Question& question, int64_t layer,
                                 int64_t head = -1);

}  // namespace weft::examples::vqa
