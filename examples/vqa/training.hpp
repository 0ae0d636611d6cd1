#pragma once

#include <weft/examples/common/run_folder.hpp>
#include <weft/examples/vqa/evaluation.hpp>

namespace weft::examples::vqa {

struct TrainingOptions {
  RunOptions run = {};  ///< of the command line
  int64_t epochs = 30;  ///< unless `run` says otherwise
  int64_t pictures_per_batch = 32;
  int64_t questions_per_row = 4;      ///< see PictureOptions
  int64_t questions_per_picture = 0;  ///< in one epoch; 0: all
  int64_t most_pictures = 0;          ///< train on the first so many only; 0: on all
  double learning_rate = 2e-3, beta2 = 0.999, weight_decay = 1e-4, clip_norm = 1.0;
  int64_t warmup_steps = 200;
  bool mirror = true;
  bool evaluate_epochs = true;  ///< on the test split, after each epoch
  int64_t curve_pictures = 0;   ///< of the test split, for these evaluations; 0: all

  /// A curriculum, for sets that have the same number of questions on every picture, the easy ones first: so many steps
  /// ask the first `easy_questions` alone, later ones all but the first `skipped_questions`, which are known by then.
  int64_t easy_steps = 0, easy_questions = 0, skipped_questions = 0;
};

/// Mean cross-entropy of the questions that are asked. logits [R, Q, answers].
Tensor question_loss(const Tensor& logits, const Batch& batch);

/// Trains `model` in place; checkpoints and events go into the folder of the run, if there is one. The same options and
/// data give the same bits, also when stopped and resumed. The history has `loss`, and `accuracy` on the test split
/// with one column for each of data.groups(). Throws NonFiniteError when the loss is not finite.
FitResult run_training(VqaModel& model, const DataSet& data, const TrainingOptions& options);

}  // namespace weft::examples::vqa
