#include <weft/examples/hierarchical_fusion/legend_style.hpp>

#include <string>

#include <weft/core/error.hpp>

namespace weft::examples::hierarchy {
namespace {

constexpr std::array<std::array<uint8_t, 6>, glyph_classes> glyphs{{
    {0b001100, 0b001100, 0b111111, 0b111111, 0b001100, 0b001100},  // plus
    {0b110011, 0b110011, 0b001100, 0b001100, 0b110011, 0b110011},  // cross
    {0b111111, 0b100001, 0b100001, 0b100001, 0b100001, 0b111111},  // ring
    {0b001100, 0b001100, 0b011110, 0b011110, 0b111111, 0b111111},  // triangle
    {0b111111, 0b000000, 0b111111, 0b000000, 0b111111, 0b000000},  // bars
    {0b011110, 0b111111, 0b111111, 0b111111, 0b111111, 0b011110},  // disk
}};

/// HSV with value 1 in whole numbers: hue in degrees, saturation in percent -> 0..240.
MapColor hue_color(int32_t hue, int32_t saturation) {
  constexpr int32_t bright = 240;
  int32_t sector = hue / 60, within = hue % 60;
  int32_t low = bright * (100 - saturation) / 100;
  int32_t rising = bright * (6000 - saturation * (60 - within)) / 6000;
  int32_t falling = bright * (6000 - saturation * within) / 6000;
  switch (sector) {
    case 0: return {bright, rising, low};
    case 1: return {falling, bright, low};
    case 2: return {low, bright, rising};
    case 3: return {low, falling, bright};
    case 4: return {rising, low, bright};
    default: return {bright, low, falling};
  }
}

bool hatched(int32_t hatch, int64_t x, int64_t y) {
  switch (hatch) {
    case 1: return y % 3 == 0;
    case 2: return x % 3 == 0;
    case 3: return (x + y) % 4 == 0;
    case 4: return (x - y + picture_extent) % 4 == 0;
    case 5: return x % 2 == 0 && y % 2 == 0;
    default: return false;
  }
}

}  // namespace

MapColor style_color(const LegendEntry& entry, int64_t x, int64_t y, int32_t brightness) {
  MapColor color = hue_color(entry.hue, entry.saturation);
  for (int32_t& channel : color) {
    channel = channel * brightness / 256;
    if (hatched(entry.hatch, x, y)) channel = channel * 2 / 5;
  }
  return color;
}

const char* class_name(int32_t label) {
  constexpr std::array<const char*, map_classes> names{"plus", "cross", "ring",      "triangle",
                                                       "bars", "disk",  "background"};
  if (label < 0 || label >= map_classes) throw IndexError("class_name: expected 0 to 6, got " + std::to_string(label));
  return names[static_cast<size_t>(label)];
}

const std::array<uint8_t, 6>& glyph_rows(int32_t glyph) {
  if (glyph < 0 || glyph >= glyph_classes)
    throw IndexError("glyph_rows: expected 0 to 5, got " + std::to_string(glyph));
  return glyphs[static_cast<size_t>(glyph)];
}

}  // namespace weft::examples::hierarchy
