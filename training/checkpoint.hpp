#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <weft/layers/graph.hpp>
#include <weft/training/data_loader.hpp>
#include <weft/training/ema.hpp>
#include <weft/training/optimizer.hpp>

namespace weft {

/// Any module, or none.
class CheckpointModule {
 public:
  CheckpointModule() = default;
  template <Module T> CheckpointModule(const T& module) : ref_(module_ref(module)) {}
  const ModuleRef& ref() const { return ref_; }
  explicit operator bool() const { return ref_.object; }

 private:
  ModuleRef ref_;
};

/// An optimizer, or none.
class CheckpointOptimizer {
 public:
  CheckpointOptimizer() = default;
  CheckpointOptimizer(Optimizer& optimizer) : optimizer_(&optimizer) {}
  Optimizer* operator->() const { return optimizer_; }
  explicit operator bool() const { return optimizer_; }

 private:
  Optimizer* optimizer_ = nullptr;
};

/// A moving average of parameters, or none.
class CheckpointAverage {
 public:
  CheckpointAverage() = default;
  CheckpointAverage(ParameterAverage& average) : average_(&average) {}
  ParameterAverage* operator->() const { return average_; }
  explicit operator bool() const { return average_; }

 private:
  ParameterAverage* average_ = nullptr;
};

/// The parts of a training run that a checkpoint holds.
struct CheckpointParts {
  CheckpointModule model = {};  ///< all its Variables: parameters, statistics, caches, random streams
  CheckpointOptimizer optimizer = {};
  CheckpointModule rngs = {};  ///< the Rngs of the training loop
  CheckpointAverage average = {};
  std::optional<DataLoaderState> loader = std::nullopt;
  std::map<std::string, std::string> metadata = {};  ///< the user's own notes
};

/// What a checkpoint says beside the state that it puts back.
struct CheckpointInfo {
  int64_t step = 0;  ///< of the optimizer
  std::optional<DataLoaderState> loader;
  std::map<std::string, std::string> metadata;
};

/// Writes a folder with model.safetensors, optimizer.safetensors, rngs.safetensors, average.safetensors (those that are
/// given) and checkpoint.json. The files are written and flushed under a temporary name beside it, which then takes the
/// folder's place in one step: at every moment `folder` is either what was there before or the whole new checkpoint.
/// Throws FileError naming file and reason.
void save_checkpoint(const std::string& folder, const CheckpointParts& parts);

/// Puts a checkpoint's state back into `parts` (those that are given). Throws FileError for a missing or half-written
/// folder, FormatError for files that are damaged (their checksums differ), StateError listing what is missing,
/// unexpected or misshapen; then nothing has changed.
CheckpointInfo load_checkpoint(const std::string& folder, const CheckpointParts& parts);

/// The whole checkpoints named `step-<number>` in a folder, oldest first; an empty list when there is no such folder.
std::vector<std::string> list_checkpoints(const std::string& folder);
/// The newest of them; empty when there is none.
std::string latest_checkpoint(const std::string& folder);
/// Deletes all but the newest `keep`, and temporary folders left by killed runs.
void prune_checkpoints(const std::string& folder, int64_t keep);
/// `folder/step-00001200`.
std::string checkpoint_path(const std::string& folder, int64_t step);

}  // namespace weft
