#pragma once

#include <string>
#include <vector>

#include <weft/examples/vqa/training.hpp>

namespace weft::examples::vqa {

struct AblationRow {
  std::string name, meaning;
  AccuracyByKind accuracy;
  double pointing = 0;  ///< NaN where it was not measured
  double minutes = 0;   ///< of training; 0 for a change at test time alone
};

/// Trains the model as it is and without one thing at a time, with the same options, and changes the trained model at
/// test time. Rows come in the order of the report.
std::vector<AblationRow> run_ablation(const DataSet& data, const TrainingOptions& options);

/// A model with fresh parameters for a data set.
VqaModel make_model(const DataSet& data, const ModelOptions& options, uint64_t seed);

}  // namespace weft::examples::vqa
