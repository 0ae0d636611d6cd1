#pragma once

#include <filesystem>

#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/report.hpp>
#include <weft/examples/vqa/ablation.hpp>

namespace weft::examples::vqa {

/// Everything that a finished run says of itself.
struct RunSummary {
  TrainingOptions options = {};
  FitResult training = {};
  Evaluation test = {};  ///< with pointing
  double minutes = 0;    ///< all in all
  double prior = 0, majority = 0;
  int64_t parameters = 0;
};

/// metrics.json: accuracies with intervals, the prior, the pointing share, flags, seconds.
void write_metrics(const std::filesystem::path& path, const DataSet& data, const RunSummary& summary);

/// report.html: curves, accuracy by kind of question beside the prior, the confusion chart, where every word looks on
/// some pictures, and wrong answers.
void write_report(const std::filesystem::path& path, VqaModel& model, const DataSet& data, const RunSummary& summary);

/// ablation.html, ablation.md and ablation.json in a folder.
void write_ablation(const std::filesystem::path& folder, const DataSet& data, const TrainingOptions& options,
                    const std::vector<AblationRow>& rows);

}  // namespace weft::examples::vqa
