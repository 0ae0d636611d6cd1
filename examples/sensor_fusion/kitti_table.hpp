#pragma once

#include <string>

#include <weft/examples/sensor_fusion/data.hpp>
#include <weft/examples/sensor_fusion/model.hpp>

namespace weft::examples::fusion {

/// Markdown of KITTI's average precision (R40, per cent; R11 in brackets) on the test frames of `data`, which
/// load_data(options) gave: a row for each class and measure, a column for each difficulty. `-` where there is nothing
/// to find.
std::string kitti_table(FusionModel& model, const FusionData& data, const DataOptions& options);

}  // namespace weft::examples::fusion
