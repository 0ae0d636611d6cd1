#pragma once

#include <weft/examples/common/run_folder.hpp>
#include <weft/examples/sensor_fusion/data.hpp>
#include <weft/examples/sensor_fusion/model.hpp>

namespace weft::examples::fusion {

struct TrainingOptions {
  RunOptions run = {};  ///< of the command line
  int64_t epochs = 30;  ///< unless `run` says otherwise
  int64_t train_scenes = 8000, test_scenes = 2000;
  int64_t batch_size = 32;
  double learning_rate = 2e-3, weight_decay = 1e-4, clip_norm = 5;
  int64_t warmup_steps = 300;
  /// How often a sensor is taken from a training scene, beside those that the scenes lack already. 0 and 0 mean a
  /// training in which no sensor is ever missing.
  double drop_camera = 0.2, drop_lidar = 0.25;
  double other_picture = 0.1;   ///< how often a training scene comes with the picture of another one
  bool evaluate_epochs = true;  ///< on a part of the test scenes, after each epoch

  bool missing_sensors() const { return drop_camera + drop_lidar > 0; }
};

/// The options of the preset `run.preset`, `quick` or `full`; throws ValueError for another name.
TrainingOptions preset_options(const RunOptions& run);

/// Trains `model` in place; checkpoints and events go into the folder of the run, if there is one. The same options and
/// data give the same bits, also when stopped and resumed. The history has `loss`, and `mAP` in per cent.
FitResult run_training(FusionModel& model, const FusionData& data, const TrainingOptions& options);

}  // namespace weft::examples::fusion
