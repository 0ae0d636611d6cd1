#include <weft/examples/common/run_folder.hpp>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/csv.hpp>

namespace weft::examples {

std::string RunFolder::newest_checkpoint(const std::string& command) const {
  std::string newest = latest_checkpoint(checkpoints().string());
  if (newest.empty())
    throw FileError("there is no checkpoint in '" + path_.string() + "'; run `" + command + "` first");
  return newest;
}

void set_run_metrics(MetricsFile& metrics, const RunOptions& options, const FitResult& training, int64_t parameters) {
  metrics.set_run(static_cast<int64_t>(options.seed), num_threads());
  metrics.set("parameters", parameters);
  metrics.set("steps", training.steps);
  metrics.set("epochs", static_cast<int64_t>(training.history.rows()));
  metrics.set("training_seconds", training.seconds);
  metrics.set("steps_per_second", training.steps_per_second);
  metrics.set("finished", training.finished);
  metrics.set_flag("preset", options.preset);
  metrics.set_flag("device", options.device);
}

void write_curves(const RunFolder& folder, const History& history) {
  CsvTable table(history.columns());
  for (size_t i = 0; i < history.rows(); ++i) table.add(history.row(i));
  table.write(folder.curves());
}

}  // namespace weft::examples
