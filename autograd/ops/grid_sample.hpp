#pragma once

#include <weft/core/tensor.hpp>

namespace weft {

enum class Sampling { bilinear, nearest };
/// What lies outside a picture: zeros, or the nearest cell of its border.
enum class GridPadding { zeros, border };

struct GridSampleOptions {
  Sampling sampling = Sampling::bilinear;
  GridPadding padding = GridPadding::zeros;
  /// Places run from -1 to 1 over a picture's extent, as in PyTorch's F.grid_sample; else they are in cells, with the
  /// first cell's centre at 0.
  bool normalized = true;
  /// Whether -1 and 1 are the centres of the outermost cells, or their outer edges.
  bool align_corners = false;
};

/// Reads features [B, H, W, C] at places [B, ..., 2], each (x, y): x along W, y along H; result [B, ..., C]. Gradients
/// flow to the features and, where the interpolation is bilinear, to the places. A NaN lies outside, whatever the
/// padding, and reads 0. Throws ShapeError, and DTypeError for places that are not floating.
Tensor grid_sample(const Tensor& features, const Tensor& places, const GridSampleOptions& options = {});

}  // namespace weft
