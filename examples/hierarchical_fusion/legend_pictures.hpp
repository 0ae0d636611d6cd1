#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <weft/examples/common/image.hpp>
#include <weft/examples/hierarchical_fusion/legend_map.hpp>

namespace weft::examples::hierarchy {

/// The picture as the model sees it, 64 x 64.
Image picture_of(const LegendMap& map);

/// Classes [64, 64] in their colours. In the strip, which is background, the entries' glyphs stand on the colours of
/// their classes, so that a reader finds them.
Image class_picture(const LegendMap& map, std::span<const uint8_t> classes);

/// The picture in pale grey, and what is labelled wrong in red.
Image error_picture(const LegendMap& map, std::span<const uint8_t> predicted);

/// Glyphs, names and colours of the classes.
Image class_key();

/// A place of the map and the cell of the 8 x 8 grid that it attends to most.
struct Look {
  int64_t x = 0, y = 0;  ///< pixel of the picture
  int32_t cell = 0;
  bool right = false;  ///< whether the cell belongs to the entry that the pixel shows
};

/// One place for each point feature and each region: `weights` [1024, 64] of one map.
std::vector<Look> looks_of(const LegendMap& map, std::span<const float> weights);

/// The picture, `factor` times larger, with a line from each place to the middle of its cell: green where that is the
/// right entry, red where not.
Image looks_picture(const LegendMap& map, const std::vector<Look>& looks, int64_t factor);

/// Where one place looks, as heat, `factor` times larger; the place is marked and the right entry framed.
Image heat_picture(const LegendMap& map, const Look& look, std::span<const float> weights, int64_t factor);

}  // namespace weft::examples::hierarchy
