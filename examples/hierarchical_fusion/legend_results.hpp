#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/hierarchical_fusion/legend_training.hpp>

namespace weft::examples::hierarchy {

/// A trained model on the test maps, and on what is made of them.
struct LegendResults {
  LegendEvaluation test;  ///< with pointing where the model attends
  LegendEvaluation erased, one_erased, other_glyphs, other_tokens;
  std::optional<LegendEvaluation> uniform;  ///< all tokens weigh alike; where the model attends
};
LegendResults evaluate_all(LegendModel& model, const std::vector<LegendMap>& maps);

/// Everything that a finished run says of itself.
struct LegendSummary {
  RunOptions run = {};
  LegendTrainingOptions options = {};
  FitResult training = {};
  LegendResults results = {};
  int64_t parameters = 0;
  double minutes = 0;  ///< all in all
};

/// metrics.json: mean IoU with its interval, by class and by scale, point features, pointing, counter-factuals, flags.
void write_legend_metrics(const std::filesystem::path& path, const LegendSummary& summary);

/// Lines for the terminal.
std::string legend_text(const LegendResults& results);

}  // namespace weft::examples::hierarchy
