#include <array>
#include <map>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/drawing.hpp>

using namespace weft;
using namespace weft::examples;

namespace {

constexpr Rgb white{255, 255, 255}, red{200, 0, 0};

/// One letter for each pixel: `#` where it is not white.
std::string shape_of(const Image& image) {
  std::string text;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) text += image.at(x, y) == white ? '.' : '#';
    text += '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("a colour is blended over a pixel") {
  Image image(3, 2, {100, 100, 100});
  blend(image, 1, 1, {200, 0, 100}, 0.5);
  CHECK(image.at(1, 1) == Rgb{150, 50, 100});
  CHECK(image.at(0, 1) == Rgb{100, 100, 100});
  blend(image, 0, 0, red, 7);
  CHECK(image.at(0, 0) == red);
  blend(image, 3, 0, red, 1);  // outside
  blend(image, -1, 0, red, 1);
  CHECK(image.at(2, 0) == Rgb{100, 100, 100});
}

TEST_CASE("a polygon fills the pixels whose centre is inside") {
  Image image(7, 5);
  std::array<Point, 4> box{{{1, 1}, {4, 1}, {4, 3}, {1, 3}}};
  fill_polygon(image, box, red);
  CHECK(shape_of(image) == ".......\n.###...\n.###...\n.......\n.......\n");
  image = Image(7, 5);
  std::array<Point, 3> triangle{{{0, 0}, {5, 0}, {0, 5}}};
  fill_polygon(image, triangle, red);
  CHECK(shape_of(image) == "####...\n###....\n##.....\n#......\n.......\n");
  image = Image(7, 5);
  std::array<Point, 4> turned{{{1, 3}, {4, 3}, {4, 1}, {1, 1}}};  // the other way round, and cut at no side
  fill_polygon(image, turned, red);
  CHECK(shape_of(image) == ".......\n.###...\n.###...\n.......\n.......\n");
  image = Image(3, 2);
  std::array<Point, 4> large{{{-50, -50}, {1e9, -50}, {1e9, 50}, {-50, 50}}};
  fill_polygon(image, large, red);
  CHECK(shape_of(image) == "###\n###\n");
}

TEST_CASE("neighbouring polygons share no pixel and leave none out") {
  Image image(11, 7);
  std::array<Point, 3> lower{{{0, 0}, {11, 7}, {0, 7}}}, upper{{{0, 0}, {11, 0}, {11, 7}}};
  fill_polygon(image, lower, {0, 0, 0}, 0.5);
  fill_polygon(image, upper, {0, 0, 0}, 0.5);
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x) CHECK(image.at(x, y) == Rgb{128, 128, 128});
}

TEST_CASE("discs, lines and arrows") {
  Image image(7, 7);
  fill_disc(image, {3.5, 3.5}, 1.9, red);
  CHECK(shape_of(image) == ".......\n.......\n..###..\n..###..\n..###..\n.......\n.......\n");
  image = Image(7, 5);
  draw_line(image, {0.5, 0.5}, {6.5, 3.5}, red);
  CHECK(image.at(0, 0) == red);
  CHECK(image.at(6, 3) == red);
  CHECK(image.at(2, 1) == red);
  image = Image(5, 5);
  draw_line(image, {0, 2.5}, {5, 2.5}, red, 3);
  CHECK(shape_of(image) == ".....\n#####\n#####\n#####\n.....\n");
  image = Image(11, 7);
  draw_arrow(image, {0.5, 3.5}, {10, 3.5}, red, 1, 4);
  CHECK(image.at(0, 3) == red);
  CHECK(image.at(9, 3) == red);
  CHECK(image.at(6, 2) == red);  // the head
  CHECK(image.at(3, 2) == white);
  image = Image(5, 5);
  draw_arrow(image, {2.5, 2.5}, {2.5, 2.5}, red);
  CHECK(image.at(2, 2) == red);
  image = Image(5, 5);
  std::array<Point, 4> box{{{0.5, 0.5}, {4.5, 0.5}, {4.5, 4.5}, {0.5, 4.5}}};
  draw_polygon(image, box, red);
  CHECK(shape_of(image) == "#####\n#...#\n#...#\n#...#\n#####\n");
}

TEST_CASE("class colours differ and repeat") {
  std::map<std::array<int, 3>, int> seen;
  for (int64_t i = 0; i < class_colors; ++i) {
    Rgb color = class_color(i);
    ++seen[{color.red, color.green, color.blue}];
    CHECK(class_color(i + class_colors) == color);
  }
  CHECK(static_cast<int64_t>(seen.size()) == class_colors);
}

TEST_CASE("labels are laid over a picture, and a legend names their colours") {
  Image image(3, 1, {0, 0, 0});
  std::array<int32_t, 3> labels{2, -1, 0};
  overlay_labels(image, labels, 1);
  CHECK(image.at(0, 0) == class_color(2));
  CHECK(image.at(1, 0) == Rgb{0, 0, 0});
  CHECK(image.at(2, 0) == class_color(0));
  CHECK_THROWS_AS(overlay_labels(image, std::span<const int32_t>(labels).first(2), 1), ValueError);
  std::vector<LegendItem> items{{class_color(0), "car"}, {class_color(1), "pedestrian"}, {class_color(2), "tree"}};
  Image wide = draw_legend(items, 1000), narrow = draw_legend(items, 90);
  CHECK(wide.height < narrow.height);
  CHECK(narrow.width <= 90);
  CHECK(wide.at(6, 6) == class_color(0));
  CHECK(draw_legend({}, 10).width == 1);
}
