#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <weft/training/fit.hpp>

namespace CLI {
class App;
}

namespace weft::examples {

/// What can be asked of every example on its command line.
struct RunOptions {
  std::string preset = "full";
  uint64_t seed = 0;
  int threads = 0;  ///< 0: as many as there are cores
  std::string device = "cpu";
  std::filesystem::path out = {};               ///< folder of the run
  int64_t epochs = 0;                           ///< 0: the preset's
  bool quiet = false;                           ///< no progress
  bool resume = false;                          ///< go on from the run's newest checkpoint
  int64_t stop_at_step = -1;                    ///< save and stop there, as Ctrl-C does
  int64_t checkpoint_every = 0;                 ///< steps
  std::string graph = "";                       ///< file (.svg or .dot) for a picture of the training step's plan
  bool describe = false;                        ///< print the training step's plans at the end
  std::optional<double> expect = std::nullopt;  ///< exit with 1 when the run's main number is worse

  /// Sets the threads and the default device. Throws ValueError for a device that is not there.
  void apply() const;
  /// Those of the options that fit understands; `folder` is RunFolder(out).checkpoints().
  FitOptions fit(int64_t preset_epochs) const;
  /// The exit status: prints what was expected and gives 1 when `value` is below `expect`.
  int judge(double value) const;
};

/// --seed --threads --device --out.
void add_run_options(CLI::App& command, RunOptions& options, const std::string& default_out);
/// --preset (one of `presets`, the first is the default) --epochs --quiet.
void add_preset_options(CLI::App& command, RunOptions& options, const std::vector<std::string>& presets);
/// --resume --stop-at-step --checkpoint-every --graph --describe --expect.
void add_training_options(CLI::App& command, RunOptions& options);

/// --graph and --describe of a jitted step that has run.
template <class Step> void show_plans(const RunOptions& options, const Step& step) {
  if (!options.graph.empty()) step.write_graph(options.graph);
  if (options.describe) std::fputs(step.describe().c_str(), stderr);
}

}  // namespace weft::examples
