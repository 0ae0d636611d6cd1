#include <weft/examples/hierarchical_fusion/legend_pictures.hpp>

#include <algorithm>

#include <weft/examples/common/drawing.hpp>
#include <weft/examples/hierarchical_fusion/legend_metrics.hpp>
#include <weft/examples/hierarchical_fusion/legend_style.hpp>

namespace weft::examples::hierarchy {
namespace {

/// Okabe and Ito's palette, which stays apart for the colour-blind; grey for the background.
Rgb color_of(int32_t label) {
  constexpr std::array<Rgb, map_classes> colors{
      {{230, 159, 0}, {86, 180, 233}, {0, 158, 115}, {240, 228, 66}, {0, 114, 178}, {204, 121, 167}, {225, 225, 225}}};
  return colors[static_cast<size_t>(label)];
}

constexpr Rgb ink{20, 20, 24}, right_color{0, 200, 60}, wrong_color{235, 20, 40}, white{255, 255, 255};

void draw_glyph(Image& image, int32_t glyph, int64_t x, int64_t y, int64_t factor) {
  const std::array<uint8_t, 6>& rows = glyph_rows(glyph);
  for (int64_t row = 0; row < glyph_extent * factor; ++row)
    for (int64_t column = 0; column < glyph_extent * factor; ++column)
      if ((rows[static_cast<size_t>(row / factor)] >> (glyph_extent - 1 - column / factor) & 1) != 0)
        image.set(x + column, y + row, ink);
}

/// Of the pixels of a region that no point feature covers, the one nearest to their middle.
Look middle_of_region(const LegendMap& map, uint8_t region) {
  int64_t sum_x = 0, sum_y = 0, count = 0, least = INT64_MAX;
  auto inside = [&](int64_t x, int64_t y) {
    auto at = static_cast<size_t>(y * picture_extent + x);
    return map.regions[at] == region && map.point_ids[at] == 0;
  };
  for (int64_t y = 0; y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x)
      if (inside(x, y)) {
        sum_x += x;
        sum_y += y;
        ++count;
      }
  Look look;
  for (int64_t y = 0; count > 0 && y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x) {
      int64_t dx = x - sum_x / count, dy = y - sum_y / count, distance = dx * dx + dy * dy;
      if (!inside(x, y) || distance >= least) continue;
      least = distance;
      look.x = x;
      look.y = y;
    }
  return look;
}

std::span<const float> weights_of(std::span<const float> weights, const Look& look) {
  return weights.subspan(static_cast<size_t>((look.y / 2 * 32 + look.x / 2) * 64), 64);
}

}  // namespace

Image picture_of(const LegendMap& map) { return Image(picture_extent, picture_extent, map.pixels); }

Image class_picture(const LegendMap& map, std::span<const uint8_t> classes) {
  Image image(picture_extent, picture_extent);
  for (int64_t y = 0; y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x)
      image.set(x, y, color_of(classes[static_cast<size_t>(y * picture_extent + x)]));
  for (const LegendEntry& entry : map.legend) {
    const PixelBox& box = entry.glyph_box;
    for (int64_t y = box.y - 1; y <= box.y + box.height; ++y)
      for (int64_t x = box.x - 1; x <= box.x + box.width; ++x) image.set(x, y, color_of(entry.glyph));
    draw_glyph(image, entry.glyph, box.x, box.y, 1);
  }
  return image;
}

Image error_picture(const LegendMap& map, std::span<const uint8_t> predicted) {
  Image image = picture_of(map);
  std::vector<uint8_t> labels = map.classes();
  for (int64_t y = 0; y < picture_extent; ++y)
    for (int64_t x = 0; x < picture_extent; ++x) {
      Rgb color = image.at(x, y);
      auto pale = static_cast<uint8_t>(170 + (color.red + color.green + color.blue) / 10);
      auto at = static_cast<size_t>(y * picture_extent + x);
      image.set(x, y, predicted[at] == labels[at] ? Rgb{pale, pale, pale} : wrong_color);
    }
  return image;
}

Image class_key() {
  constexpr int64_t width = 110, height = 24;
  Image image(width * map_classes, height);
  for (int32_t label = 0; label < map_classes; ++label) {
    int64_t left = width * label;
    for (int64_t y = 2; y < height - 2; ++y)
      for (int64_t x = 2; x < height - 2; ++x) image.set(left + x, y, color_of(label));
    if (label < glyph_classes) draw_glyph(image, label, left + 6, 6, 2);
    draw_text(image, left + height + 2, 9, class_name(label), ink);
  }
  return image;
}

std::vector<Look> looks_of(const LegendMap& map, std::span<const float> weights) {
  std::vector<Look> looks;
  for (const PixelBox& point : map.points) looks.push_back({point.x + point.width / 2, point.y + point.height / 2});
  uint8_t regions = 0;
  for (uint8_t region : map.regions)
    if (region != LegendMap::no_entry) regions = std::max<uint8_t>(regions, static_cast<uint8_t>(region + 1));
  for (uint8_t region = 0; region < regions; ++region) looks.push_back(middle_of_region(map, region));
  std::array<int32_t, 64> cells = entry_of_cells(map);
  for (Look& look : looks) {
    std::span<const float> row = weights_of(weights, look);
    look.cell = static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
    look.right = cells[static_cast<size_t>(look.cell)] ==
                 static_cast<int32_t>(map.entries[static_cast<size_t>(look.y * picture_extent + look.x)]);
  }
  return looks;
}

Image looks_picture(const LegendMap& map, const std::vector<Look>& looks, int64_t factor) {
  Image image = upscale(picture_of(map), factor);
  for (const Look& look : looks) {
    auto scaled = [&](double x, double y) {
      return Point{x * static_cast<double>(factor), y * static_cast<double>(factor)};
    };
    Point from = scaled(static_cast<double>(look.x) + 0.5, static_cast<double>(look.y) + 0.5);
    Point to = scaled(look.cell % 8 * 8 + 4, look.cell / 8 * 8 + 4);
    Rgb color = look.right ? right_color : wrong_color;
    draw_line(image, from, to, white, 4);
    draw_line(image, from, to, color, 2);
    fill_disc(image, from, 4.5, white);
    fill_disc(image, from, 3.2, color);
  }
  return image;
}

Image heat_picture(const LegendMap& map, const Look& look, std::span<const float> weights, int64_t factor) {
  Image image = overlay_heat(upscale(picture_of(map), factor), weights_of(weights, look), 8, 8);
  const LegendEntry& entry = map.legend[map.entries[static_cast<size_t>(look.y * picture_extent + look.x)]];
  for (const PixelBox& box : {entry.swatch, entry.glyph_box})
    draw_box(image, box.x * factor - 1, box.y * factor - 1, box.width * factor + 2, box.height * factor + 2, white);
  draw_box(image, look.x * factor - 5, look.y * factor - 5, factor + 10, factor + 10, white);
  draw_box(image, look.x * factor - 4, look.y * factor - 4, factor + 8, factor + 8, right_color);
  draw_box(image, look.x * factor - 3, look.y * factor - 3, factor + 6, factor + 6, right_color);
  return image;
}

}  // namespace weft::examples::hierarchy
