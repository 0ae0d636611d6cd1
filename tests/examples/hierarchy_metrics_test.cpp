#include <catch2/catch.hpp>

#include <cmath>

#include <weft/core/error.hpp>
#include <weft/examples/hierarchical_fusion/legend_evaluation.hpp>
#include <weft/examples/hierarchical_fusion/results_table.hpp>

#include "../support/temporary_folder.hpp"

#include <weft/core/file.hpp>

using namespace weft;
using namespace weft::examples::hierarchy;

TEST_CASE("intersection over union of hand-made counts") {
  PixelConfusion counts;
  CHECK(std::isnan(counts.mean_iou()));
  for (int i = 0; i < 3; ++i) counts.add(0, 0);
  counts.add(0, 1);
  counts.add(1, 1);
  counts.add(background, 0);
  // 0: 3 of 3 + 1 + 1; 1: 1 of 1 + 1; background: 0 of 1; the others occur nowhere.
  CHECK(counts.iou(0) == Approx(3.0 / 5));
  CHECK(counts.iou(1) == Approx(0.5));
  CHECK(counts.iou(background) == 0);
  CHECK(std::isnan(counts.iou(2)));
  CHECK(counts.mean_iou() == Approx((0.6 + 0.5 + 0.0) / 3));
  CHECK(counts.mean_iou(false) == Approx((0.6 + 0.5) / 2));
  CHECK(counts.accuracy() == Approx(4.0 / 6));
  CHECK(counts.total() == 6);
}

TEST_CASE("right labels score one and point features count from half of their pixels on") {
  LegendMap map = make_legend_map(3, 5);
  std::vector<uint8_t> labels = map.classes();
  MapScores perfect;
  perfect.add(map, labels);
  CHECK(perfect.all.mean_iou() == 1);
  CHECK(perfect.point_recall() == 1);
  CHECK(perfect.mean_iou_interval(7).low == 1);
  std::vector<uint8_t> predicted = labels;
  int64_t spoiled = 0;
  for (size_t i = 0; i < labels.size(); ++i)  // 8 pixels of the first feature, 9 of the second
    if ((map.point_ids[i] == 1 && spoiled % 100 < 8 && ++spoiled) ||
        (map.point_ids[i] == 2 && spoiled < 900 && (spoiled += 100)))
      predicted[i] = background;
  MapScores scores;
  scores.add(map, predicted);
  CHECK(scores.points == static_cast<int64_t>(map.points.size()));
  CHECK(scores.points_found == scores.points - 1);
  CHECK(scores.by_scale[static_cast<size_t>(Scale::point)].accuracy() < 1);
  CHECK(scores.by_scale[static_cast<size_t>(Scale::large)].total() +
            scores.by_scale[static_cast<size_t>(Scale::middle)].total() +
            scores.by_scale[static_cast<size_t>(Scale::small)].total() + 16 * scores.points ==
        48 * 64);
}

TEST_CASE("scales go by the pixels of a region") {
  LegendMap map = make_legend_map(3, 6);
  map.regions.assign(map.regions.size(), LegendMap::no_entry);
  map.point_ids.assign(map.point_ids.size(), 0);
  for (size_t i = 0; i < 149; ++i) map.regions[i] = 0;
  for (size_t i = 200; i < 350; ++i) map.regions[i] = 1;
  for (size_t i = 400; i < 801; ++i) map.regions[i] = 2;
  map.point_ids[800] = 1;  // leaves 400 to the region
  std::vector<uint8_t> scale = scale_of_pixels(map);
  CHECK(scale[0] == static_cast<uint8_t>(Scale::small));
  CHECK(scale[200] == static_cast<uint8_t>(Scale::middle));
  CHECK(scale[400] == static_cast<uint8_t>(Scale::middle));
  CHECK(scale[800] == static_cast<uint8_t>(Scale::point));
  CHECK(scale[199] == 255);
  map.point_ids[800] = 0;
  CHECK(scale_of_pixels(map)[400] == static_cast<uint8_t>(Scale::large));
}

TEST_CASE("pointing counts blocks of one entry that look at a cell of it") {
  LegendMap map = make_legend_map(4, 1);
  std::array<int32_t, 64> cells = entry_of_cells(map);
  std::vector<int32_t> looked(1024, -1);
  int64_t blocks = 0;
  int32_t away = static_cast<int32_t>(std::find(cells.begin(), cells.end(), -1) - cells.begin());
  for (int64_t row = 0; row < 32; ++row)
    for (int64_t column = 0; column < 32; ++column) {
      auto corner = static_cast<size_t>(2 * row * 64 + 2 * column);
      uint8_t entry = map.entries[corner];
      auto found = std::find(cells.begin(), cells.end(), static_cast<int32_t>(entry));
      looked[static_cast<size_t>(row * 32 + column)] =
          entry == LegendMap::no_entry ? away : static_cast<int32_t>(found - cells.begin());
      blocks += entry != LegendMap::no_entry && map.entries[corner + 1] == entry && map.entries[corner + 64] == entry &&
                map.entries[corner + 65] == entry;
    }
  Pointing pointing;
  pointing.add(map, looked);
  CHECK(pointing.total == blocks);
  CHECK(pointing.share() == 1);
  CHECK(pointing.in_legend == blocks);
  Pointing elsewhere;
  elsewhere.add(map, std::vector<int32_t>(1024, away));
  CHECK(elsewhere.hits == 0);
  CHECK(elsewhere.in_legend == 0);
}

TEST_CASE("a counter-factual counts pixels on which the legends disagree") {
  CounterFactual counts;
  std::vector<uint8_t> now{0, 1, 2, 3, 6}, before{0, 2, 1, 5, 6}, predicted{0, 1, 1, 4, 6};
  counts.add(now, before, predicted);
  CHECK(counts.total == 3);
  CHECK(counts.follows_new == 1);
  CHECK(counts.follows_old == 1);
  CHECK(counts.new_share() == Approx(1.0 / 3));
}

TEST_CASE("pixels of one entry are counted apart from the others") {
  LegendMap map = make_legend_map(2, 2);
  std::vector<uint8_t> predicted(map.entries.size(), static_cast<uint8_t>(map.legend[1].glyph));
  EntryScores scores;
  scores.add(map, 1, predicted);
  CHECK(scores.own_share() == 1);
  CHECK(scores.other_share() == 0);
  CHECK(scores.own_total == std::count(map.entries.begin(), map.entries.end(), 1));
  CHECK(scores.own_total + scores.other_total == 48 * 64);
}

TEST_CASE("changed maps get the glyphs of the next legend that is as long and says otherwise") {
  std::vector<LegendMap> maps = make_maps(9, 29, {});
  std::vector<LegendMap> changed = changed_maps(maps, LegendChange::other_glyphs);
  for (size_t i = 0; i < maps.size(); ++i) {
    size_t next = i;
    std::vector<int32_t> glyphs = glyphs_of_another(maps, i);
    auto says = [&](const LegendMap& map) {
      if (map.legend.size() != glyphs.size()) return false;
      for (size_t k = 0; k < glyphs.size(); ++k)
        if (map.legend[k].glyph != glyphs[k]) return false;
      return true;
    };
    do next = (next + 1) % maps.size();
    while (next != i && (maps[next].legend.size() != maps[i].legend.size() || says(maps[i])));
    CHECK(says(changed[i]));
    CHECK_FALSE(says(maps[i]));
    CHECK(std::any_of(maps.begin(), maps.end(), says));
    CHECK(changed[i].entries == maps[i].entries);
  }
  CHECK(changed_maps(maps, LegendChange::none)[3].pixels == maps[3].pixels);
  CHECK(changed_maps(maps, LegendChange::erased)[3].pixels == without_legend(maps[3]).pixels);
}

TEST_CASE("the results table has a row for each run and mean and spread of each kind") {
  test::TemporaryFolder folder;
  auto write = [&](const std::string& name, const std::string& text) {
    write_file((folder.path() / name).string(), text);
    return folder.path() / name;
  };
  auto run = [&](const char* fusion, int seed, double iou) {
    std::string name = std::string(fusion) + std::to_string(seed) + ".json";
    return write(name, "{\"task\": \"legend\", \"seed\": " + std::to_string(seed) +
                           ", \"mean_iou\": " + std::to_string(iou) + ", \"flags\": {\"fusion\": \"" + fusion + "\"}}");
  };
  std::string text = results_table({run("attention", 0, 0.90), run("attention", 1, 0.94), run("concat", 0, 0.25)});
  CHECK(text.find("| attention | 1 | 94.00 | - |") != std::string::npos);
  CHECK(text.find("| attention | mean ± sd | 92.00 ± 2.83 |") != std::string::npos);
  CHECK(text.find("| concat | 0 | 25.00 |") != std::string::npos);
  CHECK(text.find("| concat | mean") == std::string::npos);
  CHECK_THROWS_AS(results_table({write("bad.json", "[1]")}), FormatError);
  CHECK_THROWS_AS(results_table({write("other.json", "{\"task\": \"vqa\"}")}), FormatError);
}
