#pragma once

#include <weft/examples/hierarchical_fusion/legend_map.hpp>

namespace weft::examples::hierarchy {

using MapColor = std::array<int32_t, 3>;  ///< red, green, blue, 0 to 255

/// The colour of an entry at a pixel of the picture, hatch and all, before noise; `brightness` in 256ths.
MapColor style_color(const LegendEntry& entry, int64_t x, int64_t y, int32_t brightness);

/// `plus`, `cross`, `ring`, `triangle`, `bars`, `disk`, `background`.
const char* class_name(int32_t label);

/// Rows of a glyph's 6 x 6 bits, the leftmost pixel in bit 5.
const std::array<uint8_t, 6>& glyph_rows(int32_t glyph);

}  // namespace weft::examples::hierarchy
