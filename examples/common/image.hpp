#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace weft::examples {

struct Rgb {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Rgb&) const = default;
};

/// A plain picture of 8-bit sRGB; `pixels` is [height, width, 3], row-major.
struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;

  Image() = default;
  Image(int64_t width, int64_t height, Rgb fill = {255, 255, 255});
  /// Copies `pixels` [height, width, 3].
  Image(int64_t width, int64_t height, std::span<const uint8_t> pixels);

  Rgb at(int64_t x, int64_t y) const;
  /// Points outside the picture are ignored.
  void set(int64_t x, int64_t y, Rgb color);
};

/// Every pixel becomes a block of factor x factor.
Image upscale(const Image& image, int64_t factor);

/// The picture dimmed towards grey with `heat` [rows, columns] laid over it, bilinear between the cells' centres and
/// scaled so that the largest value (or `maximum`, when positive) is full colour. `heat` may be empty of mass.
Image overlay_heat(const Image& image, std::span<const float> heat, int64_t rows, int64_t columns, float maximum = 0);

/// The colour of a heat in [0, 1], for legends: dark blue through magenta to yellow.
Rgb heat_color(float heat);

/// Draws the border of a mask [mask_height, mask_width] (non-zero = inside), scaled to the picture's size.
void draw_mask_outline(Image& image, std::span<const uint8_t> mask, int64_t mask_width, int64_t mask_height, Rgb color);

/// The border of the box [x, x + width) x [y, y + height), one pixel wide, inside the box.
void draw_box(Image& image, int64_t x, int64_t y, int64_t width, int64_t height, Rgb color);

/// Copies `part` into `image` with its upper left corner at (x, y); what lies outside is cut.
void paste(Image& image, const Image& part, int64_t x, int64_t y);

/// ASCII text in a 5 x 7 font (capitals are drawn small), 6 x scale pixels per letter, upper left corner at (x, y).
void draw_text(Image& image, int64_t x, int64_t y, std::string_view text, Rgb color, int64_t scale = 1);

/// A picture with its caption above it, for `contact_sheet`.
struct Panel {
  Image image;
  std::string_view caption;
};
/// The panels in rows of at most `columns`, on white.
Image contact_sheet(std::span<const Panel> panels, int64_t columns);

}  // namespace weft::examples
