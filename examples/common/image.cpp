#include <weft/examples/common/image.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace weft::examples {
namespace {

uint8_t to_byte(float value) { return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

/// Value of a grid at a point in cell units, cells' centres at half-integers, constant beyond the outer centres.
float bilinear(std::span<const float> grid, int64_t rows, int64_t columns, float row, float column) {
  row = std::clamp(row - 0.5f, 0.0f, static_cast<float>(rows - 1));
  column = std::clamp(column - 0.5f, 0.0f, static_cast<float>(columns - 1));
  int64_t top = static_cast<int64_t>(row), left = static_cast<int64_t>(column);
  int64_t bottom = std::min(top + 1, rows - 1), right = std::min(left + 1, columns - 1);
  float down = row - static_cast<float>(top), across = column - static_cast<float>(left);
  auto at = [&](int64_t r, int64_t c) { return grid[static_cast<size_t>(r * columns + c)]; };
  return (1 - down) * ((1 - across) * at(top, left) + across * at(top, right)) +
         down * ((1 - across) * at(bottom, left) + across * at(bottom, right));
}

}  // namespace

Image::Image(int64_t width_, int64_t height_, Rgb fill) : width(width_), height(height_) {
  pixels.resize(static_cast<size_t>(width * height * 3));
  for (size_t i = 0; i < pixels.size(); i += 3) {
    pixels[i] = fill.red;
    pixels[i + 1] = fill.green;
    pixels[i + 2] = fill.blue;
  }
}

Image::Image(int64_t width_, int64_t height_, std::span<const uint8_t> pixels_)
    : width(width_), height(height_), pixels(pixels_.begin(), pixels_.end()) {}

Rgb Image::at(int64_t x, int64_t y) const {
  const uint8_t* pixel = &pixels[static_cast<size_t>((y * width + x) * 3)];
  return {pixel[0], pixel[1], pixel[2]};
}

void Image::set(int64_t x, int64_t y, Rgb color) {
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  uint8_t* pixel = &pixels[static_cast<size_t>((y * width + x) * 3)];
  pixel[0] = color.red;
  pixel[1] = color.green;
  pixel[2] = color.blue;
}

Image upscale(const Image& image, int64_t factor) {
  Image result(image.width * factor, image.height * factor);
  for (int64_t y = 0; y < result.height; ++y)
    for (int64_t x = 0; x < result.width; ++x) result.set(x, y, image.at(x / factor, y / factor));
  return result;
}

Rgb heat_color(float heat) {
  static constexpr std::array<std::array<float, 3>, 5> stops{
      {{13, 8, 70}, {106, 23, 110}, {203, 64, 80}, {246, 144, 32}, {252, 240, 130}}};
  float position = std::clamp(heat, 0.0f, 1.0f) * (stops.size() - 1);
  size_t lower = std::min(static_cast<size_t>(position), stops.size() - 2);
  float part = position - static_cast<float>(lower);
  auto channel = [&](size_t c) { return to_byte((1 - part) * stops[lower][c] + part * stops[lower + 1][c]); };
  return {channel(0), channel(1), channel(2)};
}

Image overlay_heat(const Image& image, std::span<const float> heat, int64_t rows, int64_t columns, float maximum) {
  if (maximum <= 0 && !heat.empty()) maximum = *std::max_element(heat.begin(), heat.end());
  if (rows < 1 || columns < 1 || !(maximum > 0)) return image;
  Image result = image;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      float row = (static_cast<float>(y) + 0.5f) * static_cast<float>(rows) / static_cast<float>(image.height);
      float column = (static_cast<float>(x) + 0.5f) * static_cast<float>(columns) / static_cast<float>(image.width);
      float value = std::clamp(bilinear(heat, rows, columns, row, column) / maximum, 0.0f, 1.0f);
      Rgb color = image.at(x, y), warm = heat_color(value);
      float opacity = 0.25f + 0.45f * value;  // cold places stay readable, hot ones still show what is below
      auto mix = [&](uint8_t below, uint8_t above) {
        return to_byte((1 - opacity) * static_cast<float>(below) + opacity * static_cast<float>(above));
      };
      result.set(x, y, {mix(color.red, warm.red), mix(color.green, warm.green), mix(color.blue, warm.blue)});
    }
  }
  return result;
}

void draw_mask_outline(Image& image, std::span<const uint8_t> mask, int64_t mask_width, int64_t mask_height,
                       Rgb color) {
  auto inside = [&](int64_t x, int64_t y) {
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) return false;
    int64_t column = x * mask_width / image.width, row = y * mask_height / image.height;
    return mask[static_cast<size_t>(row * mask_width + column)] != 0;
  };
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x) {
      bool interior = inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1);
      if (inside(x, y) && !interior) image.set(x, y, color);
    }
}

void draw_box(Image& image, int64_t x, int64_t y, int64_t width, int64_t height, Rgb color) {
  for (int64_t i = 0; i < width; ++i) {
    image.set(x + i, y, color);
    image.set(x + i, y + height - 1, color);
  }
  for (int64_t i = 0; i < height; ++i) {
    image.set(x, y + i, color);
    image.set(x + width - 1, y + i, color);
  }
}

void paste(Image& image, const Image& part, int64_t x, int64_t y) {
  for (int64_t row = 0; row < part.height; ++row)
    for (int64_t column = 0; column < part.width; ++column) image.set(x + column, y + row, part.at(column, row));
}

Image contact_sheet(std::span<const Panel> panels, int64_t columns) {
  constexpr int64_t gap = 8, caption_height = 18, letter = 12;
  int64_t count = static_cast<int64_t>(panels.size()), cell_width = 0, cell_height = 0;
  for (const Panel& panel : panels) {
    cell_width = std::max({cell_width, panel.image.width, letter * static_cast<int64_t>(panel.caption.size())});
    cell_height = std::max(cell_height, panel.image.height);
  }
  columns = std::max<int64_t>(1, std::min(columns, count));
  int64_t rows = (count + columns - 1) / columns;
  Image sheet(gap + columns * (cell_width + gap), gap + rows * (caption_height + cell_height + gap));
  for (int64_t i = 0; i < count; ++i) {
    const Panel& panel = panels[static_cast<size_t>(i)];
    int64_t x = gap + i % columns * (cell_width + gap), y = gap + i / columns * (caption_height + cell_height + gap);
    draw_text(sheet, x, y, panel.caption, {40, 40, 40}, 2);
    paste(sheet, panel.image, x, y + caption_height);
  }
  return sheet;
}

}  // namespace weft::examples
