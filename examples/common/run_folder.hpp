#pragma once

#include <filesystem>

#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/run_options.hpp>
#include <weft/training/history.hpp>

namespace weft::examples {

/// Where a run keeps what it leaves behind.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }
  std::filesystem::path metrics() const { return path_ / "metrics.json"; }
  std::filesystem::path curves() const { return path_ / "curves.csv"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path events() const { return path_ / "events"; }

  /// Throws FileError when the run has none; `command` is what makes them, for the text.
  std::string newest_checkpoint(const std::string& command) const;

 private:
  std::filesystem::path path_;
};

/// What every run says of itself: `seed`, `threads`, `commit`, `parameters`, `steps`, `epochs`, `training_seconds`,
/// `steps_per_second`, `finished`, and the flags `preset` and `device`.
void set_run_metrics(MetricsFile& metrics, const RunOptions& options, const FitResult& training, int64_t parameters);

/// The history under its own columns.
void write_curves(const RunFolder& folder, const History& history);

}  // namespace weft::examples
