#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/vqa/evaluation.hpp>

namespace weft::examples::vqa {

struct TrainingOptions {
  std::string preset = "full";
  int64_t epochs = 30;
  int64_t pictures_per_batch = 32;
  int64_t most_pictures = 0;  ///< train on the first so many only; 0: on all
  double learning_rate = 2e-3, weight_decay = 1e-4, clip_norm = 1.0;
  int64_t warmup_steps = 200;
  bool mirror = true;
  uint64_t seed = 0;
  std::filesystem::path folder;  ///< of checkpoints; none are written when empty
  bool resume = false;           ///< go on from the newest checkpoint in `folder`
  int64_t stop_at_step = -1;     ///< save and stop there, as Ctrl-C would
  int64_t checkpoint_every = 0;  ///< steps between checkpoints beside those at the end of each epoch; 0: none
  bool evaluate_epochs = true;   ///< on the test split, after each epoch
  bool progress = true;
  std::string graph;      ///< file (.svg or .dot) for a picture of the training step's plan; none when empty
  bool describe = false;  ///< print the plans on standard error at the end
};

/// The options of `quick` and `full`; throws ValueError for another name.
TrainingOptions preset_options(const std::string& name);

struct EpochRow {
  int64_t epoch = 0;
  double loss = 0;      ///< mean over the epoch's training questions
  double accuracy = 0;  ///< on the test split; NaN when it was not evaluated
  double yes_no = 0, color = 0, shape = 0;
};

struct TrainingResult {
  std::vector<EpochRow> history;
  int64_t steps = 0;
  double seconds = 0;     ///< of this call
  bool finished = false;  ///< false after Ctrl-C or stop_at_step
};

/// Mean cross-entropy of the questions that are asked. logits [B, Q, answers].
Tensor question_loss(const Tensor& logits, const Batch& batch);

/// Trains `model` in place. The same options and data give the same bits, also when stopped and resumed. Throws
/// NonFiniteError when the loss is not finite.
TrainingResult run_training(VqaModel& model, const DataSet& data, const TrainingOptions& options);

/// Model options that fit a data set.
ModelOptions model_options(const DataSet& data);

}  // namespace weft::examples::vqa
