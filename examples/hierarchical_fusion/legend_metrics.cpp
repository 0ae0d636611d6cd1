#include <weft/examples/hierarchical_fusion/legend_metrics.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace weft::examples::hierarchy {
namespace {

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? NAN : static_cast<double>(part) / static_cast<double>(whole);
}

constexpr int64_t small_below = 150, large_above = 400;  // pixels of a region

}  // namespace

PixelConfusion& PixelConfusion::operator+=(const PixelConfusion& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

int64_t PixelConfusion::total() const { return std::accumulate(counts_.begin(), counts_.end(), int64_t{0}); }

double PixelConfusion::accuracy() const {
  int64_t right = 0;
  for (int32_t c = 0; c < map_classes; ++c) right += count(c, c);
  return ratio(right, total());
}

double PixelConfusion::iou(int32_t label) const {
  int64_t united = -count(label, label);
  for (int32_t c = 0; c < map_classes; ++c) united += count(label, c) + count(c, label);
  return ratio(count(label, label), united);
}

double PixelConfusion::mean_iou(bool with_background) const {
  double sum = 0;
  int64_t classes = 0;
  for (int32_t c = 0; c < (with_background ? map_classes : background); ++c) {
    double value = iou(c);
    if (std::isnan(value)) continue;
    sum += value;
    ++classes;
  }
  return classes == 0 ? NAN : sum / static_cast<double>(classes);
}

const char* name_of(Scale scale) {
  constexpr std::array<const char*, scales> names{"points", "< 150 px", "150-400 px", "> 400 px"};
  return names[static_cast<size_t>(scale)];
}

std::vector<uint8_t> scale_of_pixels(const LegendMap& map) {
  std::array<int64_t, 256> area{};
  for (size_t i = 0; i < map.regions.size(); ++i)
    if (map.regions[i] != LegendMap::no_entry && map.point_ids[i] == 0) ++area[map.regions[i]];
  std::vector<uint8_t> result(map.regions.size(), 255);
  for (size_t i = 0; i < result.size(); ++i) {
    if (map.regions[i] == LegendMap::no_entry) continue;
    int64_t size = area[map.regions[i]];
    Scale scale = map.point_ids[i] != 0 ? Scale::point
                  : size < small_below  ? Scale::small
                  : size > large_above  ? Scale::large
                                        : Scale::middle;
    result[i] = static_cast<uint8_t>(scale);
  }
  return result;
}

void MapScores::add(const LegendMap& map, std::span<const uint8_t> predicted) {
  std::vector<uint8_t> labels = map.classes(), scale = scale_of_pixels(map);
  PixelConfusion picture;
  std::vector<int64_t> right(map.points.size() + 1, 0);
  for (size_t i = 0; i < labels.size(); ++i) {
    picture.add(labels[i], predicted[i]);
    if (scale[i] != 255) by_scale[scale[i]].add(labels[i], predicted[i]);
    right[map.point_ids[i]] += labels[i] == predicted[i];
  }
  all += picture;
  pictures.push_back(picture);
  points += static_cast<int64_t>(map.points.size());
  for (size_t i = 1; i < right.size(); ++i) points_found += 2 * right[i] >= point_extent * point_extent;
}

double MapScores::point_recall() const { return ratio(points_found, points); }

Interval MapScores::mean_iou_interval(int64_t rounds) const {
  if (pictures.empty()) return {NAN, NAN};
  RandomSequence random({.key = 0, .stream = 0x626f6f74u});
  std::vector<double> values;
  for (int64_t round = 0; round < rounds; ++round) {
    PixelConfusion drawn;
    for (size_t i = 0; i < pictures.size(); ++i)
      drawn += pictures[static_cast<size_t>(random.below(static_cast<int64_t>(pictures.size())))];
    values.push_back(drawn.mean_iou());
  }
  std::sort(values.begin(), values.end());
  auto at = [&](double share) { return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))]; };
  return {at(0.025), at(0.975)};
}

std::array<int32_t, 64> entry_of_cells(const LegendMap& map) {
  std::array<int32_t, 64> cells{};
  for (int64_t cell = 0; cell < 64; ++cell) {
    PixelBox box{cell % 8 * 8, cell / 8 * 8, 8, 8};
    int64_t most = 0;
    cells[static_cast<size_t>(cell)] = -1;
    for (size_t i = 0; i < map.legend.size(); ++i) {
      int64_t overlap = box.overlap(map.legend[i].swatch) + box.overlap(map.legend[i].glyph_box);
      if (overlap <= most) continue;
      most = overlap;
      cells[static_cast<size_t>(cell)] = static_cast<int32_t>(i);
    }
  }
  return cells;
}

void Pointing::add(const LegendMap& map, std::span<const int32_t> looked) {
  std::array<int32_t, 64> cells = entry_of_cells(map);
  for (int64_t row = 0; row < 32; ++row)
    for (int64_t column = 0; column < 32; ++column) {
      auto corner = static_cast<size_t>(2 * row * picture_extent + 2 * column);
      uint8_t entry = map.entries[corner];
      bool one = entry != LegendMap::no_entry;
      for (size_t next : {corner + 1, corner + picture_extent, corner + picture_extent + 1})
        one = one && map.entries[next] == entry;
      if (!one) continue;
      int32_t seen = cells[static_cast<size_t>(looked[static_cast<size_t>(row * 32 + column)])];
      ++total;
      hits += seen == static_cast<int32_t>(entry);
      in_legend += seen >= 0;
    }
}

double Pointing::share() const { return ratio(hits, total); }

void EntryScores::add(const LegendMap& map, size_t entry, std::span<const uint8_t> predicted) {
  std::vector<uint8_t> labels = map.classes();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (map.entries[i] == LegendMap::no_entry) continue;
    bool own = map.entries[i] == entry;
    (own ? own_total : other_total) += 1;
    (own ? own_hits : other_hits) += labels[i] == predicted[i];
  }
}

double EntryScores::own_share() const { return ratio(own_hits, own_total); }
double EntryScores::other_share() const { return ratio(other_hits, other_total); }

void CounterFactual::add(std::span<const uint8_t> now, std::span<const uint8_t> before,
                         std::span<const uint8_t> predicted) {
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] == before[i]) continue;
    ++total;
    follows_new += predicted[i] == now[i];
    follows_old += predicted[i] == before[i];
  }
}

double CounterFactual::new_share() const { return ratio(follows_new, total); }
double CounterFactual::old_share() const { return ratio(follows_old, total); }

}  // namespace weft::examples::hierarchy
