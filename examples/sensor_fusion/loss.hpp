#pragma once

#include <weft/examples/sensor_fusion/batch.hpp>

namespace weft::examples::fusion {

/// Focal loss of the heat map, and absolute errors of the boxes at their centres: 1 for the place in the cell, 0.2 for
/// sizes, height and direction. Each over the number of objects in the batch. `output` [B, 32, 32, output_features].
Tensor detection_loss(const Tensor& output, const Batch& batch);

}  // namespace weft::examples::fusion
