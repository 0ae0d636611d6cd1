#pragma once

#include <string>
#include <vector>

#include <weft/examples/common/ablation_table.hpp>
#include <weft/examples/sensor_fusion/test_run.hpp>
#include <weft/examples/sensor_fusion/training.hpp>

namespace weft::examples::fusion {

/// Trains every kind of fusion, and the attention without one thing at a time, with the same options; rows of mAP in
/// per cent. `only` chooses rows by name, all when empty.
AblationTable run_ablation(const FusionData& data, const TrainingOptions& options,
                           const std::vector<std::string>& only = {});

}  // namespace weft::examples::fusion
