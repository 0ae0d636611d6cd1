#include <weft/examples/common/drawing.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <weft/core/error.hpp>

namespace weft::examples {
namespace {

/// The first pixel whose centre is at `x` or beyond, within [0, size].
int64_t first_center(double x, int64_t size) {
  return static_cast<int64_t>(std::clamp(std::ceil(x - 0.5), 0.0, static_cast<double>(size)));
}

void blend_row(Image& image, double from, double to, int64_t y, Rgb color, double opacity) {
  int64_t end = first_center(to, image.width);
  for (int64_t x = first_center(from, image.width); x < end; ++x) blend(image, x, y, color, opacity);
}

uint8_t mix(uint8_t below, uint8_t above, double opacity) {
  return static_cast<uint8_t>(std::lround(below + (above - below) * opacity));
}

}  // namespace

void blend(Image& image, int64_t x, int64_t y, Rgb color, double opacity) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  opacity = std::clamp(opacity, 0.0, 1.0);
  Rgb below = image.at(x, y);
  image.set(x, y,
            {mix(below.red, color.red, opacity), mix(below.green, color.green, opacity),
             mix(below.blue, color.blue, opacity)});
}

void fill_polygon(Image& image, std::span<const Point> corners, Rgb color, double opacity) {
  if (corners.size() < 3) return;
  auto [top, bottom] = std::minmax_element(corners.begin(), corners.end(), [](Point a, Point b) { return a.y < b.y; });
  std::vector<double> crossings;
  int64_t end = first_center(bottom->y, image.height);
  for (int64_t y = first_center(top->y, image.height); y < end; ++y) {
    double center = static_cast<double>(y) + 0.5;
    crossings.clear();
    for (size_t i = 0; i < corners.size(); ++i) {
      Point a = corners[i], b = corners[(i + 1) % corners.size()];
      if ((a.y <= center) == (b.y <= center)) continue;
      crossings.push_back(a.x + (center - a.y) / (b.y - a.y) * (b.x - a.x));
    }
    std::sort(crossings.begin(), crossings.end());
    for (size_t i = 0; i + 1 < crossings.size(); i += 2)
      blend_row(image, crossings[i], crossings[i + 1], y, color, opacity);
  }
}

void fill_disc(Image& image, Point center, double radius, Rgb color, double opacity) {
  int64_t end = first_center(center.y + radius, image.height);
  for (int64_t y = first_center(center.y - radius, image.height); y < end; ++y) {
    double down = static_cast<double>(y) + 0.5 - center.y;
    double half = std::sqrt(std::max(0.0, radius * radius - down * down));
    blend_row(image, center.x - half, center.x + half, y, color, opacity);
  }
}

void draw_line(Image& image, Point from, Point to, Rgb color, double width, double opacity) {
  double across = to.x - from.x, down = to.y - from.y, length = std::hypot(across, down);
  if (width > 1 && length > 0) {
    double x = -down / length * width / 2, y = across / length * width / 2;
    std::array<Point, 4> corners{
        {{from.x + x, from.y + y}, {to.x + x, to.y + y}, {to.x - x, to.y - y}, {from.x - x, from.y - y}}};
    return fill_polygon(image, corners, color, opacity);
  }
  auto steps = static_cast<int64_t>(std::ceil(std::max(std::abs(across), std::abs(down))));
  int64_t last_x = -1, last_y = -1;  // a pixel that two steps fall on is blended once
  for (int64_t i = 0; i <= steps; ++i) {
    double share = steps == 0 ? 0 : static_cast<double>(i) / static_cast<double>(steps);
    auto x = static_cast<int64_t>(std::floor(from.x + share * across));
    auto y = static_cast<int64_t>(std::floor(from.y + share * down));
    if (x != last_x || y != last_y) blend(image, x, y, color, opacity);
    last_x = x, last_y = y;
  }
}

void draw_polygon(Image& image, std::span<const Point> corners, Rgb color, double width, double opacity) {
  for (size_t i = 0; i < corners.size(); ++i)
    draw_line(image, corners[i], corners[(i + 1) % corners.size()], color, width, opacity);
}

void draw_arrow(Image& image, Point from, Point to, Rgb color, double width, double head) {
  double across = to.x - from.x, down = to.y - from.y, length = std::hypot(across, down);
  if (length == 0) return fill_disc(image, to, std::max(1.0, width), color);
  across /= length, down /= length;
  head = std::min(head, length);
  double half = std::max(head * 0.5, width);
  Point neck{to.x - across * head, to.y - down * head};
  draw_line(image, from, neck, color, width);
  std::array<Point, 3> corners{
      {to, {neck.x - down * half, neck.y + across * half}, {neck.x + down * half, neck.y - across * half}}};
  fill_polygon(image, corners, color);
}

Rgb class_color(int64_t index) {
  // Tol's "muted" scheme, with three of his "bright" one.
  static constexpr std::array<Rgb, class_colors> colors{{{51, 34, 136},
                                                         {136, 204, 238},
                                                         {17, 119, 51},
                                                         {221, 204, 119},
                                                         {204, 102, 119},
                                                         {170, 68, 153},
                                                         {68, 170, 153},
                                                         {153, 153, 51},
                                                         {136, 34, 85},
                                                         {238, 119, 51},
                                                         {68, 119, 170},
                                                         {187, 187, 187}}};
  return colors[static_cast<size_t>((index % class_colors + class_colors) % class_colors)];
}

void overlay_labels(Image& image, std::span<const int32_t> labels, double opacity) {
  if (static_cast<int64_t>(labels.size()) != image.width * image.height)
    throw ValueError("overlay_labels: expected " + std::to_string(image.width * image.height) + " labels, got " +
                     std::to_string(labels.size()));
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x) {
      int32_t label = labels[static_cast<size_t>(y * image.width + x)];
      if (label >= 0) blend(image, x, y, class_color(label), opacity);
    }
}

Image draw_legend(std::span<const LegendItem> items, int64_t width) {
  constexpr int64_t patch = 9, gap = 4, between = 12, row_height = 14;
  std::vector<Point> places;
  int64_t x = gap, y = 3, used = 0;
  for (const LegendItem& item : items) {
    int64_t wide = patch + gap + 6 * static_cast<int64_t>(item.name.size());
    if (x > gap && x + wide > width - gap) x = gap, y += row_height;
    places.push_back({static_cast<double>(x), static_cast<double>(y)});
    used = std::max(used, x + wide + gap);
    x += wide + between;
  }
  Image image(std::max(used, int64_t{1}), items.empty() ? 1 : y + row_height - 3);
  for (size_t i = 0; i < items.size(); ++i) {
    auto [left, top] = places[i];
    std::array<Point, 4> corners{{{left, top}, {left + patch, top}, {left + patch, top + patch}, {left, top + patch}}};
    fill_polygon(image, corners, items[i].color);
    draw_text(image, static_cast<int64_t>(left) + patch + gap, static_cast<int64_t>(top) + 1, items[i].name,
              {40, 40, 40});
  }
  return image;
}

}  // namespace weft::examples
