#include <weft/examples/hierarchical_fusion/legend_map.hpp>

#include <algorithm>
#include <string>

#include <weft/core/error.hpp>
#include <weft/examples/hierarchical_fusion/legend_style.hpp>

namespace weft::examples::hierarchy {
namespace {

using Color = MapColor;
constexpr Color paper{246, 246, 242}, ink{30, 30, 34};
constexpr int32_t noise = 10;  // each way, of 255

int32_t between(RandomSequence& random, int64_t low, int64_t high) {
  return static_cast<int32_t>(low + random.below(high - low + 1));
}

void put(LegendMap& map, int64_t x, int64_t y, const Color& color) {
  for (size_t c = 0; c < 3; ++c)
    map.pixels[static_cast<size_t>(y * picture_extent + x) * 3 + c] =
        static_cast<uint8_t>(std::clamp(color[c], 0, 255));
}

size_t at(int64_t x, int64_t y) { return static_cast<size_t>(y * picture_extent + x); }

int32_t hue_distance(int32_t a, int32_t b) {
  int32_t apart = std::abs(a - b);
  return std::min(apart, 360 - apart);
}

std::vector<LegendEntry> draw_legend(RandomSequence& random, int64_t count) {
  std::vector<int32_t> order(glyph_classes);
  for (int32_t i = 0; i < glyph_classes; ++i) order[static_cast<size_t>(i)] = i;
  for (size_t i = order.size() - 1; i > 0; --i)
    std::swap(order[i], order[static_cast<size_t>(random.below(static_cast<int64_t>(i) + 1))]);
  std::vector<LegendEntry> legend;
  while (static_cast<int64_t>(legend.size()) < count) {
    LegendEntry entry;
    entry.hue = between(random, 0, 359);
    entry.saturation = between(random, 45, 100);
    entry.hatch = between(random, 0, 5);
    bool distinct = std::all_of(legend.begin(), legend.end(), [&](const LegendEntry& other) {
      return other.hatch != entry.hatch || hue_distance(other.hue, entry.hue) >= 25;
    });
    if (!distinct) continue;
    entry.glyph = order[legend.size()];
    legend.push_back(entry);
  }
  return legend;
}

/// Swatch and glyph side by side across a standing strip, one above the other in a lying one.
void place_legend(RandomSequence& random, LegendMap& map, const MapOptions& options) {
  bool standing = map.side == Side::left || map.side == Side::right;
  auto count = static_cast<int64_t>(map.legend.size());
  int64_t along =
      standing ? std::max(options.swatch_height, glyph_extent) : std::max(options.swatch_width, glyph_extent);
  int64_t pitch = std::min<int64_t>(10, picture_extent / count);
  int64_t spare = picture_extent - (count - 1) * pitch - along;
  int64_t first = between(random, 0, spare);
  PixelBox strip = strip_box(map.side);
  for (int64_t i = 0; i < count; ++i) {
    LegendEntry& entry = map.legend[static_cast<size_t>(i)];
    int64_t step = first + i * pitch;
    if (standing) {
      entry.swatch = {strip.x + 1, step, options.swatch_width, options.swatch_height};
      entry.glyph_box = {strip.x + options.swatch_width + 2, step, glyph_extent, glyph_extent};
    } else {
      entry.swatch = {step, strip.y + 1, options.swatch_width, options.swatch_height};
      entry.glyph_box = {step + (options.swatch_width - glyph_extent) / 2, strip.y + options.swatch_height + 2,
                         glyph_extent, glyph_extent};
    }
  }
}

void paint_glyph(LegendMap& map, const LegendEntry& entry) {
  const std::array<uint8_t, 6>& rows = glyph_rows(entry.glyph);
  for (int64_t y = 0; y < glyph_extent; ++y)
    for (int64_t x = 0; x < glyph_extent; ++x) {
      bool black = (rows[static_cast<size_t>(y)] >> (glyph_extent - 1 - x) & 1) != 0;
      put(map, entry.glyph_box.x + x, entry.glyph_box.y + y, black ? ink : paper);
    }
}

void fill_box(LegendMap& map, const PixelBox& box, const Color& color) {
  for (int64_t y = box.y; y < box.y + box.height; ++y)
    for (int64_t x = box.x; x < box.x + box.width; ++x) put(map, x, y, color);
}

PixelBox map_box(Side side) {
  switch (side) {
    case Side::left: return {strip_extent, 0, picture_extent - strip_extent, picture_extent};
    case Side::right: return {0, 0, picture_extent - strip_extent, picture_extent};
    case Side::top: return {0, strip_extent, picture_extent, picture_extent - strip_extent};
    default: return {0, 0, picture_extent, picture_extent - strip_extent};
  }
}

int32_t draw_brightness(RandomSequence& random) { return between(random, 230, 281); }

/// A number for each pixel of the map: the nearest seed, the first of equally near ones.
void paint_regions(RandomSequence& random, LegendMap& map, const MapOptions& options) {
  struct Region {
    int32_t x, y, entry, brightness;
  };
  PixelBox box = map_box(map.side);
  std::vector<Region> seeds(static_cast<size_t>(between(random, options.fewest_regions, options.most_regions)));
  for (Region& seed : seeds) {
    seed.x = between(random, box.x, box.x + box.width - 1);
    seed.y = between(random, box.y, box.y + box.height - 1);
    seed.entry = between(random, 0, static_cast<int64_t>(map.legend.size()) - 1);
    seed.brightness = draw_brightness(random);
  }
  for (int64_t y = box.y; y < box.y + box.height; ++y)
    for (int64_t x = box.x; x < box.x + box.width; ++x) {
      size_t nearest = 0;
      int64_t least = INT64_MAX;
      for (size_t i = 0; i < seeds.size(); ++i) {
        int64_t dx = x - seeds[i].x, dy = y - seeds[i].y, distance = dx * dx + dy * dy;
        if (distance < least) {
          least = distance;
          nearest = i;
        }
      }
      const Region& region = seeds[nearest];
      map.regions[at(x, y)] = static_cast<uint8_t>(nearest);
      map.entries[at(x, y)] = static_cast<uint8_t>(region.entry);
      put(map, x, y, style_color(map.legend[static_cast<size_t>(region.entry)], x, y, region.brightness));
    }
  for (int64_t y = box.y; y < box.y + box.height; ++y)
    for (int64_t x = box.x; x < box.x + box.width; ++x) {
      bool right = x + 1 < box.x + box.width && map.regions[at(x + 1, y)] != map.regions[at(x, y)];
      bool below = y + 1 < box.y + box.height && map.regions[at(x, y + 1)] != map.regions[at(x, y)];
      if (right || below) put(map, x, y, ink);
    }
}

/// Squares that do not touch each other, each of an entry that none of its pixels' regions shows.
void paint_points(RandomSequence& random, LegendMap& map, const MapOptions& options) {
  PixelBox box = map_box(map.side);
  int64_t wanted = between(random, options.fewest_points, options.most_points);
  // A place that does not fit is drawn again; what a crowded map has no room for is left out, but never below the
  // fewest.
  for (int64_t tries = 0; static_cast<int64_t>(map.points.size()) < wanted; ++tries) {
    if (tries > 400 && static_cast<int64_t>(map.points.size()) >= options.fewest_points) break;
    if (tries > 10000)
      throw ValueError("MapOptions: fewest_points: expected as many as the map has room for, got " +
                       std::to_string(options.fewest_points));
    PixelBox point{between(random, box.x + 1, box.x + box.width - point_extent - 1),
                   between(random, box.y + 1, box.y + box.height - point_extent - 1), point_extent, point_extent};
    int32_t entry = between(random, 0, static_cast<int64_t>(map.legend.size()) - 1);
    int32_t brightness = draw_brightness(random);
    PixelBox around{point.x - 1, point.y - 1, point.width + 2, point.height + 2};
    bool fits = std::none_of(map.points.begin(), map.points.end(),
                             [&](const PixelBox& other) { return other.overlap(around) > 0; });
    for (int64_t y = point.y; y < point.y + point.height; ++y)
      for (int64_t x = point.x; x < point.x + point.width; ++x) fits = fits && map.entries[at(x, y)] != entry;
    if (!fits) continue;
    map.points.push_back(point);
    map.point_entries.push_back(entry);
    for (int64_t y = point.y; y < point.y + point.height; ++y)
      for (int64_t x = point.x; x < point.x + point.width; ++x) {
        put(map, x, y, style_color(map.legend[static_cast<size_t>(entry)], x, y, brightness));
        map.entries[at(x, y)] = static_cast<uint8_t>(entry);
        map.point_ids[at(x, y)] = static_cast<uint8_t>(map.points.size());
      }
  }
}

void add_noise(RandomSequence& random, LegendMap& map, const PixelBox& box) {
  for (int64_t y = box.y; y < box.y + box.height; ++y)
    for (int64_t x = box.x; x < box.x + box.width; ++x) {
      uint32_t bits = random.bits();  // ten bits for each channel
      for (size_t c = 0; c < 3; ++c, bits >>= 10) {
        uint8_t& value = map.pixels[at(x, y) * 3 + c];
        int32_t shift = static_cast<int32_t>((bits & 1023u) * (2 * noise + 1) >> 10) - noise;
        value = static_cast<uint8_t>(std::clamp(value + shift, 0, 255));
      }
    }
}

void check(const MapOptions& options) {
  auto fail = [](const char* field, const std::string& expected, int64_t got) {
    throw ValueError(std::string("MapOptions: ") + field + ": expected " + expected + ", got " + std::to_string(got));
  };
  if (options.fewest_entries < 2) fail("fewest_entries", "at least 2", options.fewest_entries);
  if (options.most_entries < options.fewest_entries || options.most_entries > glyph_classes)
    fail("most_entries", "from fewest_entries to 6", options.most_entries);
  if (options.swatch_width < 4 || options.swatch_width > 8) fail("swatch_width", "4 to 8", options.swatch_width);
  if (options.swatch_height < 3 || options.swatch_height > 7) fail("swatch_height", "3 to 7", options.swatch_height);
  if (options.fewest_regions < 2 || options.most_regions < options.fewest_regions || options.most_regions > 200)
    fail("most_regions", "from fewest_regions (at least 2) to 200", options.most_regions);
  if (options.fewest_points < 0 || options.most_points < options.fewest_points || options.most_points > 20)
    fail("most_points", "from fewest_points (at least 0) to 20", options.most_points);
}

}  // namespace

int64_t PixelBox::overlap(const PixelBox& other) const {
  int64_t across = std::min(x + width, other.x + other.width) - std::max(x, other.x);
  int64_t down = std::min(y + height, other.y + other.height) - std::max(y, other.y);
  return std::max<int64_t>(across, 0) * std::max<int64_t>(down, 0);
}

std::vector<uint8_t> LegendMap::classes() const {
  std::vector<uint8_t> labels(entries.size());
  for (size_t i = 0; i < entries.size(); ++i)
    labels[i] = static_cast<uint8_t>(entries[i] == no_entry ? background : legend[entries[i]].glyph);
  return labels;
}

PixelBox strip_box(Side side) {
  switch (side) {
    case Side::left: return {0, 0, strip_extent, picture_extent};
    case Side::right: return {picture_extent - strip_extent, 0, strip_extent, picture_extent};
    case Side::top: return {0, 0, picture_extent, strip_extent};
    default: return {0, picture_extent - strip_extent, picture_extent, strip_extent};
  }
}

LegendMap make_legend_map(RandomSequence& random, const MapOptions& options) {
  check(options);
  LegendMap map;
  constexpr size_t area = picture_extent * picture_extent;
  map.pixels.resize(area * 3);
  map.entries.assign(area, LegendMap::no_entry);
  map.regions.assign(area, LegendMap::no_entry);
  map.point_ids.assign(area, 0);
  map.side = static_cast<Side>(between(random, 0, 3));
  map.legend = draw_legend(random, between(random, options.fewest_entries, options.most_entries));
  place_legend(random, map, options);
  fill_box(map, strip_box(map.side), paper);
  for (const LegendEntry& entry : map.legend) {
    for (int64_t y = 0; y < entry.swatch.height; ++y)
      for (int64_t x = 0; x < entry.swatch.width; ++x)
        put(map, entry.swatch.x + x, entry.swatch.y + y,
            style_color(entry, entry.swatch.x + x, entry.swatch.y + y, 256));
    add_noise(random, map, entry.swatch);
    paint_glyph(map, entry);
  }
  paint_regions(random, map, options);
  paint_points(random, map, options);
  add_noise(random, map, map_box(map.side));
  return map;
}

LegendMap make_legend_map(uint64_t seed, int64_t index, const MapOptions& options) {
  RandomSequence random({.key = fold_in(seed, static_cast<uint64_t>(index)), .stream = 0x6d6170u});
  return make_legend_map(random, options);
}

LegendMap with_glyphs(const LegendMap& map, const std::vector<int32_t>& new_glyphs) {
  if (new_glyphs.size() != map.legend.size())
    throw ValueError("with_glyphs: expected " + std::to_string(map.legend.size()) + " glyphs, got " +
                     std::to_string(new_glyphs.size()));
  for (size_t i = 0; i < new_glyphs.size(); ++i)
    if (new_glyphs[i] < 0 || new_glyphs[i] >= glyph_classes ||
        std::count(new_glyphs.begin(), new_glyphs.end(), new_glyphs[i]) != 1)
      throw ValueError("with_glyphs: expected different glyphs of 0 to 5, got " + std::to_string(new_glyphs[i]) +
                       " at " + std::to_string(i));
  LegendMap changed = map;
  for (size_t i = 0; i < new_glyphs.size(); ++i) {
    changed.legend[i].glyph = new_glyphs[i];
    paint_glyph(changed, changed.legend[i]);
  }
  return changed;
}

LegendMap without_legend(const LegendMap& map) {
  LegendMap changed = map;
  fill_box(changed, strip_box(map.side), paper);
  return changed;
}

LegendMap without_entry(const LegendMap& map, size_t entry) {
  if (entry >= map.legend.size())
    throw IndexError("without_entry: expected an entry below " + std::to_string(map.legend.size()) + ", got " +
                     std::to_string(entry));
  LegendMap changed = map;
  fill_box(changed, map.legend[entry].swatch, paper);
  fill_box(changed, map.legend[entry].glyph_box, paper);
  return changed;
}

size_t most_shown_entry(const LegendMap& map) {
  std::vector<int64_t> counts(map.legend.size(), 0);
  for (uint8_t entry : map.entries)
    if (entry != LegendMap::no_entry) ++counts[entry];
  return static_cast<size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

}  // namespace weft::examples::hierarchy
