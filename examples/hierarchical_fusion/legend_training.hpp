#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/common/run_options.hpp>
#include <weft/examples/hierarchical_fusion/legend_evaluation.hpp>

namespace weft::examples::hierarchy {

struct LegendTrainingOptions {
  LegendModelOptions model = {};
  MapOptions maps = {};
  int64_t epochs = 16, maps_per_epoch = 8000, maps_per_batch = 16, test_maps = 1000;
  double learning_rate = 1e-3, weight_decay = 1e-4, clip_norm = 1.0;
  int64_t warmup_steps = 200;
  double dice_weight = 0.5;  ///< of 1 - soft Dice around the point features
  double cell_weight = 1.0;  ///< of the high level's own cross-entropy (deep supervision)
  int64_t epoch_maps = 200;  ///< test maps that are labelled after each epoch; 0: none
};

/// The options of `quick` and `full`; throws ValueError for another name.
LegendTrainingOptions legend_preset(const std::string& name);

/// The test split is drawn from this, whatever a run's seed is.
constexpr uint64_t legend_test_seed = 0x7e57;

/// Cross-entropy of all pixels, + dice_weight * (1 - soft Dice of the pixels near point features), + cell_weight *
/// cross-entropy of what each high-level cell shows of the legend.
Tensor legend_loss(const MapLogits& logits, const LegendBatch& batch, const LegendTrainingOptions& options);

/// Trains `model` in place on maps that are drawn anew in each epoch. The same options give the same bits, also when
/// stopped and resumed. Checkpoints carry `fusion`, `layers` and `heads`.
FitResult train_legend(LegendModel& model, const LegendTrainingOptions& options, const RunOptions& run,
                       EventWriter* events = nullptr);

/// The model of the newest checkpoint of a run, of the kind that the checkpoint says. Throws FileError when there is
/// none, FormatError when it is of another task.
LegendModel load_legend_model(const std::filesystem::path& out);

}  // namespace weft::examples::hierarchy
