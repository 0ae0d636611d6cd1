#pragma once

#include <weft/examples/sensor_fusion/kitti_labels.hpp>

namespace weft::examples::fusion {

// Intersection over union of two KITTI labels, in [0, 1]; 0 where one of them has no such box (a size that is not
// positive).

/// Of the rectangles in the picture.
double picture_overlap(const KittiLabel& a, const KittiLabel& b);
/// The part of `a`'s rectangle that lies in `b`'s.
double picture_share(const KittiLabel& a, const KittiLabel& b);
/// Of the turned rectangles seen from above.
double ground_overlap(const KittiLabel& a, const KittiLabel& b);
/// Of the volumes, which stand upright.
double volume_overlap(const KittiLabel& a, const KittiLabel& b);

}  // namespace weft::examples::fusion
