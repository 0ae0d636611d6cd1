#include <weft/examples/vqa/object_mask.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

namespace weft::examples::vqa {
namespace {

constexpr int threshold = 48;
using Color = std::array<uint8_t, 3>;

Color color_at(std::span<const uint8_t> pixels, int64_t index) {
  size_t at = static_cast<size_t>(3 * index);
  return {pixels[at], pixels[at + 1], pixels[at + 2]};
}

Color background(std::span<const uint8_t> pixels, int64_t height, int64_t width) {
  std::map<Color, int64_t> counts;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      if (y == 0 || x == 0 || y == height - 1 || x == width - 1) ++counts[color_at(pixels, y * width + x)];
  auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? Color{} : most->first;
}

}  // namespace

std::vector<uint8_t> object_mask(std::span<const uint8_t> pixels, int64_t height, int64_t width) {
  std::vector<uint8_t> mask(static_cast<size_t>(height * width));
  Color ground = background(pixels, height, width);
  for (int64_t i = 0; i < height * width; ++i) {
    Color color = color_at(pixels, i);
    int distance = 0;
    for (size_t c = 0; c < 3; ++c) distance = std::max(distance, std::abs(color[c] - ground[c]));
    mask[static_cast<size_t>(i)] = distance > threshold;
  }
  return mask;
}

std::vector<uint8_t> cells_on_mask(std::span<const uint8_t> mask, int64_t height, int64_t width, int64_t rows,
                                   int64_t columns) {
  std::vector<uint8_t> cells(static_cast<size_t>(rows * columns));
  // A cell covers the pixels from floor(row * height / rows) to ceil((row + 1) * height / rows).
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      for (int64_t y = row * height / rows; y < ((row + 1) * height + rows - 1) / rows; ++y)
        for (int64_t x = column * width / columns; x < ((column + 1) * width + columns - 1) / columns; ++x)
          if (mask[static_cast<size_t>(y * width + x)]) cells[static_cast<size_t>(row * columns + column)] = 1;
  return cells;
}

}  // namespace weft::examples::vqa
