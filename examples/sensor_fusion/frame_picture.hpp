#pragma once

#include <optional>
#include <vector>

#include <weft/examples/common/image.hpp>
#include <weft/examples/sensor_fusion/evaluation.hpp>
#include <weft/examples/sensor_fusion/evidence.hpp>

namespace weft::examples::fusion {

/// What a model makes of one scene.
struct FrameView {
  Scene scene;
  std::vector<Box> found;        // best first
  std::vector<float> heat;       // [rows, columns, classes], scores
  std::optional<int64_t> query;  // the cell whose attention is shown
  std::vector<float> attention;  // [tokens] of that cell, last layer, mean of the heads; empty without attention
  double null = 0;               // its attention on the null slot
};

/// Below it a detection is not drawn.
constexpr double shown_score = 0.3;

/// The attention shown is that of the cell of `box`, in the model's last cross layer.
FrameView look_at(FusionModel& model, const Scene& scene, const BevGrid& grid, const std::optional<Box>& box);

/// The picture, eight pixels for two or so, with LiDAR returns as dots coloured by range, objects in white and
/// detections in the colour of their class.
Image camera_pane(const FrameView& view, const BevGrid& grid);
/// The ground from above, ahead is up: scores by class, returns, objects and detections, the chosen cell.
Image bev_pane(const FrameView& view, const BevGrid& grid);
/// The picture with the chosen cell's attention, and below it a gauge of what goes to the null slot.
Image attention_pane(const FrameView& view);
/// All of them side by side.
Image frame_picture(const FrameView& view, const BevGrid& grid);
/// What the colours mean.
Image frame_legend(const BevGrid& grid);

/// The object whose cell is best to look at: distant, seen by the camera, and a pedestrian or cyclist if there is one.
std::optional<Box> interesting_object(const Scene& scene, const BevGrid& grid);

}  // namespace weft::examples::fusion
