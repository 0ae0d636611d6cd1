#pragma once

#include <filesystem>
#include <string>

#include <weft/examples/common/run_options.hpp>
#include <weft/examples/hierarchical_fusion/digits_model.hpp>

namespace weft::examples::hierarchy {

struct DigitTrainingOptions {
  DigitModelOptions model = {};
  int64_t epochs = 100, digits_per_batch = 16;
  double learning_rate = 2e-3, weight_decay = 0.3, clip_norm = 1.0, label_smoothing = 0.1;
  int64_t warmup_steps = 100;
  int64_t shift = 1;  ///< pixels by which a digit is moved at most
};

/// The options of `quick` and `full`; throws ValueError for another name.
DigitTrainingOptions digit_preset(const std::string& name);

struct DigitEvaluation {
  int64_t hits = 0, total = 0;
  std::vector<int32_t> predictions;
  std::vector<int64_t> confusion;  ///< [10, 10], expected by predicted
  double share() const { return static_cast<double>(hits) / static_cast<double>(total); }
};

/// Reads digits in evaluation mode; the model is put back into training mode.
DigitEvaluation evaluate(DigitModel& model, const std::vector<Digit>& digits);

/// Trains `model` in place. The same options and data give the same bits, also when stopped and resumed. Checkpoints
/// carry `branches`.
FitResult train_digits(DigitModel& model, const DigitSet& data, const DigitTrainingOptions& options,
                       const RunOptions& run, EventWriter* events = nullptr);

/// The model of the newest checkpoint of a run, of the kind that the checkpoint says. Throws FileError when there is
/// none, FormatError when it is of another task.
DigitModel load_digit_model(const std::filesystem::path& out);

}  // namespace weft::examples::hierarchy
