#pragma once

#include <string>
#include <vector>

#include <weft/examples/vqa/recipes.hpp>

namespace weft::examples::vqa {

struct AblationRow {
  std::string name, meaning;
  AccuracyByKind accuracy;
  double pointing = 0, naming = 0;  ///< shares, see Evaluation (naming in the first layer); NaN where not measured
  int64_t parameters = 0;
  double minutes = 0;  ///< of training; 0 for a change at test time alone
};

/// Options for the trainings of an ablation, by run.preset: those of training_options, where quick ones are long enough
/// to tell variants apart.
TrainingOptions ablation_options(const DataSet& data, const RunOptions& run);

/// Trains the model as it is and without one thing at a time, with the same options, and changes the trained model at
/// test time. Rows come in the order of the report.
std::vector<AblationRow> run_ablation(const DataSet& data, const TrainingOptions& options);

}  // namespace weft::examples::vqa
