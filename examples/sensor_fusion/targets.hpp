#pragma once

#include <span>
#include <vector>

#include <weft/examples/sensor_fusion/bev_grid.hpp>
#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

constexpr int64_t class_count = static_cast<int64_t>(object_classes.size());
/// Of a box, at its centre's cell: place in the cell along x and y (-0.5 to 0.5), logarithms of length, width and
/// height, height of the centre above the ground, sine and cosine of the yaw. Metres.
constexpr int64_t box_features = 8;
constexpr int64_t output_features = class_count + box_features;

/// What the detector should say (CenterNet, Zhou et al. 2019), on the grid [rows, columns, ...].
struct Targets {
  std::vector<float> heat;     // [..., classes]: 1 at a centre's cell, and a Gaussian of one cell around it
  std::vector<float> box;      // [..., box_features]; zeros where there is no centre
  std::vector<float> centres;  // [...]: 1 where a box has its centre
};

/// Boxes with their centre outside the grid are left out; of two in one cell the nearer one is described.
Targets make_targets(std::span<const Box> boxes, const BevGrid& grid);

struct DecodeOptions {
  int64_t most = 30;        // detections of a scene
  float min_score = 0.01f;  // below it nothing counts
};

/// Boxes from one scene's output [rows, columns, output_features], logits of the heat map first: cells whose score is
/// the largest of its class in the 3 x 3 cells around it, best first.
std::vector<Box> decode(std::span<const float> output, const BevGrid& grid, const DecodeOptions& options = {});

}  // namespace weft::examples::fusion
