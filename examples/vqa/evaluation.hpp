#pragma once

#include <vector>

#include <weft/examples/vqa/batch.hpp>
#include <weft/examples/vqa/model.hpp>
#include <weft/examples/vqa/prior.hpp>

namespace weft::examples::vqa {

/// Cells that no word of a question may look at, five for each question.
enum class Deletion {
  none,
  attended,  ///< those that its words look at most: mean of layers, heads and words
  random,
};

struct EvaluationOptions {
  /// Keys and values come from the next picture of the batch: what is left when the picture is the wrong one.
  bool other_pictures = false;
  /// Look at where words look.
  bool pointing = false;
  Deletion deletion = Deletion::none;
};

struct Evaluation {
  AccuracyByKind accuracy;
  std::vector<int32_t> predictions;  ///< for each question of the split, in its order
  std::vector<int64_t> confusion;    ///< [answers, answers], expected by predicted
  /// Questions whose answer token, in the last cross layer, looks most at the object that the answer is read off. Where
  /// a set does not tell its objects (easy-VQA): color and shape questions whose most attended cell touches the shape.
  AccuracyByKind pointing;
  /// Words that name an object and look most at it, for each cross layer.
  std::vector<AccuracyByKind::Count> naming;
  /// As `pointing`, all kinds together, for each cross layer; only where a set tells its objects.
  std::vector<AccuracyByKind::Count> pointing_by_layer;
};

/// Answers every question of a split, in evaluation mode; the model is put back into training mode.
Evaluation evaluate(VqaModel& model, const DataSet& data, const Split& split, const EvaluationOptions& options = {});

/// A word looks at an object when the middle of its most attended cell is no further away than this, in pixels.
constexpr float pointing_distance = 8;

/// Where each word looks in each cross layer: weights [layers][R, heads, Q * T, cells (+ 1, the null slot, last)].
std::vector<Tensor> attention_maps(VqaModel& model, const Batch& batch);

/// One token's attention (0: the answer token) of each question, mean of the heads, null slot left out, of the weights
/// that a cross layer sowed [R, heads, Q * T, cells (+ 1)]: [R, Q, cells].
Tensor token_attention(const Tensor& weights, int64_t tokens, int64_t cells, int64_t token = 0);

}  // namespace weft::examples::vqa
