#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <weft/training/random_sequence.hpp>

namespace weft::examples::hierarchy {

// Made maps with a legend. A class is a glyph, and what a colour and a hatch stand for is said by the legend in the
// same picture alone: both are drawn anew for every picture, so that no model can learn them by heart.

constexpr int64_t picture_extent = 64, strip_extent = 16, glyph_extent = 6, point_extent = 4;
constexpr int32_t glyph_classes = 6, background = 6, map_classes = 7;

struct MapOptions {
  int64_t fewest_entries = 4, most_entries = 6;
  int64_t swatch_width = 8, swatch_height = 6;
  int64_t fewest_regions = 8, most_regions = 14;
  int64_t fewest_points = 3, most_points = 8;
};

struct PixelBox {
  int64_t x = 0, y = 0, width = 0, height = 0;
  bool contains(int64_t px, int64_t py) const { return px >= x && px < x + width && py >= y && py < y + height; }
  /// Pixels in common.
  int64_t overlap(const PixelBox& other) const;
};

enum class Side : uint8_t { left, right, top, bottom };

struct LegendEntry {
  int32_t hue = 0;         ///< degrees, 0..359
  int32_t saturation = 0;  ///< percent
  int32_t hatch = 0;       ///< 0..5
  int32_t glyph = 0;       ///< the class, 0..5
  PixelBox swatch, glyph_box;
};

/// Arrays are [64, 64], row-major.
struct LegendMap {
  Side side = Side::left;
  std::vector<LegendEntry> legend;
  std::vector<PixelBox> points;        ///< point features, 4 x 4
  std::vector<int32_t> point_entries;  ///< which entry of the legend each shows
  std::vector<uint8_t> pixels;         ///< [64, 64, 3]
  std::vector<uint8_t> entries;        ///< which entry of the legend a pixel shows; `no_entry` in the strip
  std::vector<uint8_t> regions;        ///< number of the Voronoi region; `no_entry` in the strip
  std::vector<uint8_t> point_ids;      ///< 1 + number of the point feature, 0 elsewhere
  static constexpr uint8_t no_entry = 255;

  /// Class of each pixel: the glyph of the entry that it shows, `background` in the strip.
  std::vector<uint8_t> classes() const;
};

/// One picture: a strip of 16 pixels on a random side with 4 to 6 entries (swatch and glyph), any two of which differ
/// by at least 25 degrees of hue or by hatch; 8 to 14 Voronoi regions in the swatches' colours (noise, +-10 %
/// brightness, dark borders one pixel wide); 3 to 8 point features on regions that show another entry. Integers all the
/// way, so that the same random numbers give the same bits everywhere. Throws ValueError when entries do not fit the
/// strip.
LegendMap make_legend_map(RandomSequence& random, const MapOptions& options = {});

/// Picture `index` of a split that is drawn from `seed`.
LegendMap make_legend_map(uint64_t seed, int64_t index, const MapOptions& options = {});

/// The same map and swatches with other glyphs beside them: what is right is now what the new glyphs say. `glyphs` has
/// one for each entry, all different; throws ValueError.
LegendMap with_glyphs(const LegendMap& map, const std::vector<int32_t>& glyphs);

/// The same picture with an empty strip.
LegendMap without_legend(const LegendMap& map);

/// The same picture with paper where one entry's swatch and glyph were. Throws IndexError.
LegendMap without_entry(const LegendMap& map, size_t entry);

/// The entry that most pixels show.
size_t most_shown_entry(const LegendMap& map);

/// The strip of `map`.
PixelBox strip_box(Side side);

}  // namespace weft::examples::hierarchy
