#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/hierarchical_fusion/legend_batch.hpp>

using namespace weft;
using namespace weft::examples::hierarchy;

namespace {

uint64_t digest(const std::vector<uint8_t>& bytes) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

size_t at(int64_t x, int64_t y) { return static_cast<size_t>(y * picture_extent + x); }

}  // namespace

TEST_CASE("every pixel of a legend map is of the class that its legend gives") {
  for (int64_t index = 0; index < 23; ++index) {
    LegendMap map = make_legend_map(11, index);
    PixelBox strip = strip_box(map.side);
    std::vector<uint8_t> classes = map.classes();
    for (int64_t y = 0; y < picture_extent; ++y)
      for (int64_t x = 0; x < picture_extent; ++x) {
        uint8_t entry = map.entries[at(x, y)];
        if (strip.contains(x, y)) {
          REQUIRE(entry == LegendMap::no_entry);
          REQUIRE(classes[at(x, y)] == background);
        } else {
          REQUIRE(entry < map.legend.size());
          REQUIRE(classes[at(x, y)] == map.legend[entry].glyph);
        }
      }
  }
}

TEST_CASE("a legend map has as many entries regions and point features as it should") {
  std::set<size_t> entries, points;
  std::set<int> regions;
  std::set<Side> sides;
  for (int64_t index = 0; index < 97; ++index) {
    LegendMap map = make_legend_map(3, index);
    entries.insert(map.legend.size());
    points.insert(map.points.size());
    sides.insert(map.side);
    std::set<uint8_t> numbers(map.regions.begin(), map.regions.end());
    numbers.erase(LegendMap::no_entry);
    regions.insert(static_cast<int>(numbers.size()));
    REQUIRE(map.point_entries.size() == map.points.size());
  }
  CHECK(entries == std::set<size_t>{4, 5, 6});
  CHECK(points == std::set<size_t>{3, 4, 5, 6, 7, 8});
  CHECK(sides.size() == 4);
  CHECK(*regions.begin() >= 7);  // a seed may be crowded out by its neighbours
  CHECK(*regions.rbegin() <= 14);
}

TEST_CASE("entries of a legend differ by hue or by hatch and have glyphs of their own inside the strip") {
  for (int64_t index = 0; index < 97; ++index) {
    LegendMap map = make_legend_map(5, index);
    PixelBox strip = strip_box(map.side);
    std::set<int32_t> glyphs;
    for (size_t i = 0; i < map.legend.size(); ++i) {
      const LegendEntry& entry = map.legend[i];
      glyphs.insert(entry.glyph);
      REQUIRE(strip.overlap(entry.swatch) == entry.swatch.width * entry.swatch.height);
      REQUIRE(strip.overlap(entry.glyph_box) == glyph_extent * glyph_extent);
      REQUIRE(entry.swatch.overlap(entry.glyph_box) == 0);
      for (size_t j = 0; j < i; ++j) {
        const LegendEntry& other = map.legend[j];
        REQUIRE(entry.swatch.overlap(other.swatch) == 0);
        int32_t apart = std::abs(entry.hue - other.hue);
        bool distinct = entry.hatch != other.hatch || std::min(apart, 360 - apart) >= 25;
        REQUIRE(distinct);
      }
    }
    REQUIRE(glyphs.size() == map.legend.size());
  }
}

TEST_CASE("point features show another entry than the regions under them") {
  for (int64_t index = 0; index < 31; ++index) {
    LegendMap map = make_legend_map(7, index);
    // What the same map has without them: an entry for each region, from its other pixels.
    std::array<int, 256> of_region{};
    of_region.fill(-1);
    for (size_t i = 0; i < map.entries.size(); ++i)
      if (map.regions[i] != LegendMap::no_entry && map.point_ids[i] == 0) of_region[map.regions[i]] = map.entries[i];
    std::vector<int64_t> count(map.points.size() + 1, 0);
    for (size_t i = 0; i < map.entries.size(); ++i) {
      uint8_t id = map.point_ids[i];
      ++count[id];
      if (id == 0) continue;
      REQUIRE(map.entries[i] == map.point_entries[id - 1u]);
      REQUIRE(of_region[map.regions[i]] != map.point_entries[id - 1u]);
    }
    for (size_t id = 1; id < count.size(); ++id) REQUIRE(count[id] == point_extent * point_extent);
  }
}

TEST_CASE("a legend map has the same bits everywhere and at any number of threads") {
  CHECK(digest(make_legend_map(0, 0).pixels) == 0x32476abd8abb373eu);
  CHECK(digest(make_legend_map(0, 0).classes()) == 0xcde89a35803472e3u);
  CHECK(digest(make_legend_map(12345678901, 7).pixels) == 0xe2b1a8b1164a024fu);
  int before = num_threads();
  set_num_threads(1);
  std::vector<LegendMap> alone = make_maps(2, 13, {});
  set_num_threads(3);
  std::vector<LegendMap> together = make_maps(2, 13, {});
  set_num_threads(before);
  for (size_t i = 0; i < alone.size(); ++i) REQUIRE(alone[i].pixels == together[i].pixels);
  CHECK(alone[0].pixels != alone[1].pixels);
}

TEST_CASE("other glyphs change the glyph boxes and the classes and nothing else") {
  LegendMap map = make_legend_map(1, 4);
  std::vector<int32_t> glyphs;
  for (const LegendEntry& entry : map.legend) glyphs.push_back((entry.glyph + 1) % glyph_classes);
  LegendMap changed = with_glyphs(map, glyphs);
  for (int64_t y = 0; y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x) {
      bool in_glyph = std::any_of(map.legend.begin(), map.legend.end(),
                                  [&](const LegendEntry& entry) { return entry.glyph_box.contains(x, y); });
      for (size_t c = 0; c < 3 && !in_glyph; ++c)
        REQUIRE(map.pixels[at(x, y) * 3 + c] == changed.pixels[at(x, y) * 3 + c]);
    }
  std::vector<uint8_t> before = map.classes(), after = changed.classes();
  for (size_t i = 0; i < before.size(); ++i)
    REQUIRE(after[i] == (before[i] == background ? background : (before[i] + 1) % glyph_classes));
  CHECK(with_glyphs(changed,
                    [&] {
                      std::vector<int32_t> own;
                      for (const LegendEntry& entry : map.legend) own.push_back(entry.glyph);
                      return own;
                    }())
            .pixels == map.pixels);
  glyphs[0] = glyphs[1];
  CHECK_THROWS_AS(with_glyphs(map, glyphs), ValueError);
  CHECK_THROWS_AS(with_glyphs(map, {0, 1}), ValueError);
}

TEST_CASE("an erased legend leaves the map alone and an empty strip") {
  LegendMap map = make_legend_map(1, 9), erased = without_legend(map);
  PixelBox strip = strip_box(map.side);
  std::set<std::vector<uint8_t>> colors;
  for (int64_t y = 0; y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x) {
      std::vector<uint8_t> color(erased.pixels.begin() + static_cast<int64_t>(at(x, y) * 3),
                                 erased.pixels.begin() + static_cast<int64_t>(at(x, y) * 3 + 3));
      if (strip.contains(x, y)) {
        colors.insert(color);
      } else {
        REQUIRE(std::equal(color.begin(), color.end(), map.pixels.begin() + static_cast<int64_t>(at(x, y) * 3)));
      }
    }
  CHECK(colors.size() == 1);
  CHECK(erased.classes() == map.classes());
}

TEST_CASE("a legend without one entry lacks its swatch and glyph alone") {
  LegendMap map = make_legend_map(1, 5);
  size_t most = most_shown_entry(map);
  auto shown = [&](size_t entry) { return std::count(map.entries.begin(), map.entries.end(), entry); };
  for (size_t i = 0; i < map.legend.size(); ++i) CHECK(shown(i) <= shown(most));
  LegendMap changed = without_entry(map, most), empty = without_legend(map);
  const LegendEntry& entry = map.legend[most];
  for (int64_t y = 0; y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x) {
      const LegendMap& like = entry.swatch.contains(x, y) || entry.glyph_box.contains(x, y) ? empty : map;
      for (size_t c = 0; c < 3; ++c) REQUIRE(changed.pixels[at(x, y) * 3 + c] == like.pixels[at(x, y) * 3 + c]);
    }
  CHECK_THROWS_AS(without_entry(map, map.legend.size()), IndexError);
}

TEST_CASE("options of legend maps that make no sense are refused") {
  RandomSequence random({.key = 1});
  CHECK_THROWS_AS(make_legend_map(random, {.fewest_entries = 1}), ValueError);
  CHECK_THROWS_AS(make_legend_map(random, {.most_entries = 7}), ValueError);
  CHECK_THROWS_AS(make_legend_map(random, {.swatch_width = 9}), ValueError);
  CHECK_THROWS_AS(make_legend_map(random, {.fewest_points = 5, .most_points = 4}), ValueError);
}

TEST_CASE("a batch of legend maps holds its pixels in blocks") {
  std::vector<LegendMap> maps = make_maps(17, 3, {});
  LegendBatch batch = collate(maps);
  REQUIRE(batch.pictures.shape() == Shape{3, 64, 64, 3});
  REQUIRE(batch.labels.shape() == Shape{3, 32, 32, 2, 2});
  std::vector<float> pictures = batch.pictures.to_vector<float>(), near = batch.near.to_vector<float>();
  std::vector<int32_t> labels = batch.labels.to_vector<int32_t>(), glyphs = batch.glyphs.to_vector<int32_t>();
  std::vector<int64_t> wide(labels.begin(), labels.end());
  for (size_t i = 0; i < maps.size(); ++i) {
    CHECK(from_blocks(wide.data() + i * 4096) == maps[i].classes());
    CHECK(pictures[(i * 4096 + at(5, 3)) * 3 + 1] == Approx(maps[i].pixels[at(5, 3) * 3 + 1] / 127.5 - 1));
    // Each point feature and the pixel around it; those of two features may overlap.
    auto marked = std::count(near.begin() + static_cast<int64_t>(i * 4096),
                             near.begin() + static_cast<int64_t>((i + 1) * 4096), 1.0f);
    auto points = static_cast<int64_t>(maps[i].points.size());
    CHECK(marked <= 36 * points);
    CHECK(marked >= 25 * points);
    for (const LegendEntry& entry : maps[i].legend) {
      int64_t cell = (entry.glyph_box.y + 3) / 8 * 8 + (entry.glyph_box.x + 3) / 8;
      auto found = std::count(glyphs.begin() + static_cast<int64_t>(i * 64),
                              glyphs.begin() + static_cast<int64_t>((i + 1) * 64), entry.glyph);
      CHECK(found >= 1);
      CHECK(glyphs[i * 64 + static_cast<size_t>(cell)] != background);
    }
  }
}
