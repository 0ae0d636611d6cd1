#include <weft/examples/sensor_fusion/loss.hpp>

#include <weft/training/dense_losses.hpp>
#include <weft/weft.hpp>

namespace weft::examples::fusion {

Tensor detection_loss(const Tensor& output, const Batch& batch) {
  // The masked loss is a mean over the numbers of a box; the weights make it a sum.
  constexpr int64_t placing = 2, rest = box_features - placing;
  Tensor mask = expand_dims(batch.centres, -1);
  auto error = [&](int64_t first, int64_t last) {
    return masked_l1_loss(slice_axis(output, -1, class_count + first, class_count + last),
                          slice_axis(batch.box, -1, first, last), mask);
  };
  return centernet_focal_loss(slice_axis(output, -1, 0, class_count), batch.heat) +
         static_cast<double>(placing) * error(0, placing) +
         0.2 * static_cast<double>(rest) * error(placing, box_features);
}

}  // namespace weft::examples::fusion
