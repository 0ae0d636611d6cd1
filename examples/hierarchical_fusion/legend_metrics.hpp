#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <weft/examples/common/statistics.hpp>
#include <weft/examples/hierarchical_fusion/legend_map.hpp>

namespace weft::examples::hierarchy {

/// Counts of (right class, predicted class) over all pixels of all pictures.
class PixelConfusion {
 public:
  PixelConfusion& operator+=(const PixelConfusion& other);
  void add(int32_t label, int32_t predicted) { ++counts_[static_cast<size_t>(label * map_classes + predicted)]; }
  int64_t count(int32_t label, int32_t predicted) const {
    return counts_[static_cast<size_t>(label * map_classes + predicted)];
  }
  int64_t total() const;
  /// Share of pixels that are right; NaN for none.
  double accuracy() const;
  /// Intersection over union of one class; NaN when neither labels nor predictions have it.
  double iou(int32_t label) const;
  /// Mean over the classes that occur, the background included or not; NaN for none.
  double mean_iou(bool with_background = true) const;

 private:
  std::array<int64_t, map_classes * map_classes> counts_{};
};

/// Pixels by the size of what they belong to. Every pixel of the map is of one scale.
enum class Scale : uint8_t { point, small, middle, large };
constexpr size_t scales = 4;
/// `points`, `< 150 px`, `150-400 px`, `> 400 px`.
const char* name_of(Scale scale);
/// The scale of each pixel [64, 64]; 255 in the strip.
std::vector<uint8_t> scale_of_pixels(const LegendMap& map);

/// What predictions [64, 64] of pictures come to.
struct MapScores {
  PixelConfusion all;
  std::array<PixelConfusion, scales> by_scale;
  std::vector<PixelConfusion> pictures;
  int64_t points_found = 0, points = 0;  ///< found: at least 8 of the 16 pixels are right

  void add(const LegendMap& map, std::span<const uint8_t> predicted);
  double point_recall() const;
  /// 95 % interval of the mean IoU: pictures drawn with replacement (bootstrap), `rounds` times.
  Interval mean_iou_interval(int64_t rounds = 200) const;
};

/// Which entry of the legend each of 8 x 8 cells belongs to: the one whose swatch and glyph cover most of it, or -1.
std::array<int32_t, 64> entry_of_cells(const LegendMap& map);

/// How often pixels look at the entry that they show.
struct Pointing {
  int64_t hits = 0, in_legend = 0, total = 0;
  /// `looked` [32, 32]: the cell that each block of 2 x 2 pixels attends to most. Blocks count whose four pixels show
  /// one entry.
  void add(const LegendMap& map, std::span<const int32_t> looked);
  double share() const;
};

/// Pixels that show one entry and those that show the others: how many are right.
struct EntryScores {
  int64_t own_hits = 0, own_total = 0, other_hits = 0, other_total = 0;
  void add(const LegendMap& map, size_t entry, std::span<const uint8_t> predicted);
  double own_share() const;
  double other_share() const;
};

/// Whom predictions follow where two answers differ: pixels of the map on which `now` and `before` disagree.
struct CounterFactual {
  int64_t follows_new = 0, follows_old = 0, total = 0;
  /// All [64, 64].
  void add(std::span<const uint8_t> now, std::span<const uint8_t> before, std::span<const uint8_t> predicted);
  double new_share() const;
  double old_share() const;
};

}  // namespace weft::examples::hierarchy
