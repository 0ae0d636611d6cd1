#pragma once

#include <span>
#include <string>
#include <vector>

#include <weft/examples/common/image.hpp>

namespace weft::examples {

/// In pixels from the upper left corner: pixel (i, j) covers [i, i + 1) x [j, j + 1). What lies outside a picture is
/// cut everywhere below; there is no anti-aliasing; `opacity` is that of the colour, 0 to 1.
struct Point {
  double x = 0, y = 0;
};

/// The colour over one pixel.
void blend(Image& image, int64_t x, int64_t y, Rgb color, double opacity);

/// All pixels whose centre is inside (by the even-odd rule, where the outline crosses itself).
void fill_polygon(Image& image, std::span<const Point> corners, Rgb color, double opacity = 1);
void fill_disc(Image& image, Point center, double radius, Rgb color, double opacity = 1);
/// `width` pixels wide; up to 1 it is a chain of single pixels.
void draw_line(Image& image, Point from, Point to, Rgb color, double width = 1, double opacity = 1);
/// A closed outline.
void draw_polygon(Image& image, std::span<const Point> corners, Rgb color, double width = 1, double opacity = 1);
/// A line with a head of that length at `to`; of no length it is a dot.
void draw_arrow(Image& image, Point from, Point to, Rgb color, double width = 1, double head = 5);

/// Colours that can be told apart, also by most people who see fewer; they repeat after class_colors.
constexpr int64_t class_colors = 12;
Rgb class_color(int64_t index);

/// class_color(label) over every pixel; labels [height, width] of the picture, negative ones leave it as it is. Throws
/// ValueError when their number differs.
void overlay_labels(Image& image, std::span<const int32_t> labels, double opacity);

struct LegendItem {
  Rgb color;
  std::string name;
};
/// Patches of colour with their names on white, side by side, in rows of at most `width` pixels.
Image draw_legend(std::span<const LegendItem> items, int64_t width);

}  // namespace weft::examples
