#pragma once

#include <weft/examples/vqa/model.hpp>
#include <weft/examples/vqa/training.hpp>

namespace weft::examples::vqa {

/// The model that fits a data set, by its recipe.
ModelOptions model_options(const DataSet& data);

/// How it is trained, by run.preset: `quick` or `full`. Throws ValueError for another name.
TrainingOptions training_options(const DataSet& data, const RunOptions& run);

/// A model with fresh parameters for a data set.
VqaModel make_model(const DataSet& data, const ModelOptions& options, uint64_t seed);

}  // namespace weft::examples::vqa
