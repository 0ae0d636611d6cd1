#pragma once

#include <array>
#include <optional>
#include <vector>

#include <weft/examples/sensor_fusion/data.hpp>
#include <weft/examples/sensor_fusion/model.hpp>

namespace weft::examples::fusion {

/// A rectangle of tokens of the camera, ends excluded.
struct TokenBox {
  int64_t left = 0, top = 0, right = 0, bottom = 0;
  int64_t tokens() const { return (right - left) * (bottom - top); }
};

/// The tokens that a box's projection touches; none when it is behind the camera or outside the picture.
std::optional<TokenBox> projected_tokens(const Box& box, const CameraModel& camera);

/// The query whose cell holds the box's centre, as row * query_columns + column; none outside the grid.
std::optional<int64_t> query_of(const Box& box, const BevGrid& grid);

/// The attention weights of each cross layer, mean of its heads: [layers][B, queries, tokens (+ 1, the null slot)].
std::vector<Tensor> attention_maps(FusionModel& model, const Inputs& inputs);

/// Sums over the queries of objects.
struct AttentionShare {
  double inside = 0;  ///< attention on the tokens that the object's projection touches, null slot left out
  double area = 0;    ///< those tokens' share of the picture: what uniform attention would give
  double null = 0;    ///< attention on the null slot
  int64_t objects = 0;

  void add(const AttentionShare& other);
  /// inside / area, NaN without objects.
  double gain() const { return inside / area; }
  double null_share() const { return null / static_cast<double>(objects); }
};

/// Where the cells of objects look. Layers are averaged.
struct Evidence {
  std::array<AttentionShare, conditions.size()> by_condition;
  /// By the object's range, in the bands of `range_bands`, over scenes with both sensors.
  std::array<AttentionShare, 3> by_range;
  /// By the fog's visibility, below 30 m, 40 m, 50 m, and beyond.
  std::array<AttentionShare, 4> by_visibility;
  /// At night by the daylight left, below 0.05, 0.065, 0.08, and beyond.
  std::array<AttentionShare, 4> by_ambient;

  /// Over the scenes with a living camera.
  AttentionShare seeing() const;
};

/// Looks at objects with at least four visible pixels. All zeros for a model without attention.
Evidence find_evidence(FusionModel& model, const std::vector<Scene>& scenes, const BevGrid& grid);

}  // namespace weft::examples::fusion
