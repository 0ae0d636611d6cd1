#pragma once

#include <vector>

#include <weft/examples/vqa/batch.hpp>
#include <weft/examples/vqa/model.hpp>
#include <weft/examples/vqa/prior.hpp>

namespace weft::examples::vqa {

struct EvaluationOptions {
  /// Keys and values come from the next picture of the batch: what is left when the picture is the wrong one.
  bool other_pictures = false;
  /// Look at where the answer token of the last cross layer looks.
  bool pointing = false;
};

struct Evaluation {
  AccuracyByKind accuracy;
  std::vector<int32_t> predictions;         ///< for each question of the split, in its order
  std::vector<int64_t> confusion;           ///< [answers, answers], expected by predicted
  int64_t pointed = 0, pointing_total = 0;  ///< color and shape questions whose most attended cell touches the shape
};

/// Answers every question of a split, in evaluation mode; the model is put back into training mode.
Evaluation evaluate(VqaModel& model, const DataSet& data, const Split& split, const EvaluationOptions& options = {});

/// Where each word looks in each cross layer: weights [layers][heads, Q * T, cells (+ 1, the null slot, last)].
std::vector<Tensor> attention_maps(VqaModel& model, const Batch& batch);

/// The answer token's attention in the last cross layer, mean of the heads, null slot left out: [Q, cells].
std::vector<std::vector<float>> answer_attention(const Tensor& weights, int64_t picture, int64_t questions,
                                                 int64_t tokens, int64_t cells);

}  // namespace weft::examples::vqa
