#include <weft/examples/hierarchical_fusion/legend_batch.hpp>

#include <algorithm>

#include <weft/core/parallel.hpp>
#include <weft/examples/hierarchical_fusion/legend_model.hpp>

namespace weft::examples::hierarchy {
namespace {

/// Calls f(place in the blocks, place in the picture).
template <class F> void for_each_block_pixel(F&& f) {
  size_t place = 0;
  for (int64_t row = 0; row < low_extent; ++row)
    for (int64_t column = 0; column < low_extent; ++column)
      for (int64_t y = 0; y < sub_pixels; ++y)
        for (int64_t x = 0; x < sub_pixels; ++x)
          f(place++, static_cast<size_t>((sub_pixels * row + y) * picture_extent + sub_pixels * column + x));
}

/// Fewer than this many pixels of a glyph say too little of it to be learned from.
constexpr int64_t least_overlap = 6;

int32_t glyph_in(const LegendMap& map, const PixelBox& cell) {
  int32_t glyph = background;
  int64_t most = least_overlap - 1;
  for (const LegendEntry& entry : map.legend)
    if (int64_t overlap = cell.overlap(entry.glyph_box); overlap > most) {
      most = overlap;
      glyph = entry.glyph;
    }
  return glyph;
}

}  // namespace

std::vector<LegendMap> make_maps(uint64_t seed, int64_t count, const MapOptions& options) {
  std::vector<LegendMap> maps(static_cast<size_t>(count));
  parallel_for(count, [&](int64_t i) { maps[static_cast<size_t>(i)] = make_legend_map(seed, i, options); });
  return maps;
}

LegendBatch collate(const std::vector<LegendMap>& maps) {
  LegendBatch batch;
  auto count = static_cast<int64_t>(maps.size());
  constexpr int64_t area = picture_extent * picture_extent, cell_extent = picture_extent / high_extent;
  Shape blocks{count, low_extent, low_extent, sub_pixels, sub_pixels};
  batch.pictures = Tensor::empty({count, picture_extent, picture_extent, 3}, DType::float32, Device());
  batch.labels = Tensor::empty(blocks, DType::int32, Device());
  batch.near = Tensor::empty(blocks, DType::float32, Device());
  batch.glyphs = Tensor::empty({count, high_extent, high_extent}, DType::int32, Device());
  auto* pixels = batch.pictures.mutable_data<float>();
  auto* labels = batch.labels.mutable_data<int32_t>();
  auto* near = batch.near.mutable_data<float>();
  auto* glyphs = batch.glyphs.mutable_data<int32_t>();
  for (const LegendMap& map : maps) {
    for (uint8_t value : map.pixels) *pixels++ = static_cast<float>(value) / 127.5f - 1.0f;
    std::vector<uint8_t> classes = map.classes(), close(area, 0);
    for (const PixelBox& point : map.points)
      for (int64_t y = point.y - 1; y <= point.y + point.height; ++y)
        for (int64_t x = point.x - 1; x <= point.x + point.width; ++x)
          close[static_cast<size_t>(y * picture_extent + x)] = 1;  // points stay a pixel away from the map's edge
    for_each_block_pixel([&](size_t place, size_t pixel) {
      labels[place] = classes[pixel];
      near[place] = close[pixel];
    });
    labels += area;
    near += area;
    for (int64_t row = 0; row < high_extent; ++row)
      for (int64_t column = 0; column < high_extent; ++column)
        *glyphs++ = glyph_in(map, {column * cell_extent, row * cell_extent, cell_extent, cell_extent});
  }
  batch.maps = maps;
  return batch;
}

std::vector<uint8_t> from_blocks(const int64_t* blocks) {
  std::vector<uint8_t> picture(picture_extent * picture_extent);
  for_each_block_pixel([&](size_t place, size_t pixel) { picture[pixel] = static_cast<uint8_t>(blocks[place]); });
  return picture;
}

}  // namespace weft::examples::hierarchy
