#include <weft/examples/sensor_fusion/frame_picture.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <weft/examples/common/default_device.hpp>
#include <weft/examples/common/drawing.hpp>

namespace weft::examples::fusion {
namespace {

constexpr int64_t pane_width = 512, bev_size = 416, margin = 8, caption_height = 14;
constexpr Rgb white{255, 255, 255}, black{0, 0, 0}, dark{24, 26, 32}, grey{110, 114, 122};

Rgb color_of(ObjectClass object) {
  constexpr std::array<Rgb, 3> colors{Rgb{70, 160, 255}, Rgb{255, 80, 110}, Rgb{250, 210, 50}};
  return colors[static_cast<size_t>(object)];
}

/// Near is bright.
Rgb range_color(double range, const BevGrid& grid) {
  return heat_color(static_cast<float>(std::clamp(1.1 - 0.8 * range / grid.extent, 0.3, 1.0)));
}

int64_t factor_of(const Scene& scene) {
  return std::max<int64_t>(pane_width / std::max<int64_t>(scene.image.width, 1), 1);
}

/// A place in the picture after upscaling.
Point enlarged(const Pixel& pixel, int64_t factor) {
  return {(pixel.u + 0.5) * static_cast<double>(factor), (pixel.v + 0.5) * static_cast<double>(factor)};
}

std::string label_of(const Box& box) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", box.score);
  return text;
}

void draw_wireframe(Image& image, const Box& box, const CameraModel& camera, int64_t factor, Rgb color, double width) {
  std::array<Point, 8> corners;
  std::array<Vec3, 8> places = box.corners();
  for (size_t i = 0; i < places.size(); ++i) {
    Pixel pixel = camera.project(places[i]);
    if (pixel.depth <= 0.1) return;
    corners[i] = enlarged(pixel, factor);
  }
  draw_polygon(image, std::span(corners).first(4), color, width);
  draw_polygon(image, std::span(corners).last(4), color, width);
  for (size_t i = 0; i < 4; ++i) draw_line(image, corners[i], corners[i + 4], color, width);
}

class BevCanvas {
 public:
  explicit BevCanvas(const BevGrid& grid)
      : grid_(grid), scale_(static_cast<double>(bev_size) / grid.extent), image_(bev_size, bev_size, dark) {}

  Point at(double x, double y) const {
    return {(grid_.extent / 2 - y) * scale_, static_cast<double>(bev_size) - x * scale_};
  }
  void fill_cell(int64_t row, int64_t column, int64_t cells, Rgb color, double opacity) {
    fill_polygon(image_, corners(row, column, cells), color, opacity);
  }
  void outline_cell(int64_t row, int64_t column, int64_t cells, Rgb color) {
    draw_polygon(image_, corners(row, column, cells), color, 2);
  }
  void arc(double range) {
    Point last;
    for (int step = 0; step <= 90; ++step) {
      double angle = (step - 45) * 3.14159265358979 / 180;
      Point next = at(range * std::cos(angle), range * std::sin(angle));
      if (step > 0) draw_line(image_, last, next, grey, 1, 0.8);
      last = next;
    }
    char text[16];
    std::snprintf(text, sizeof text, "%.0f m", range);
    Point label = at(range, 0);
    draw_text(image_, static_cast<int64_t>(label.x) + 3, static_cast<int64_t>(label.y) + 3, text, grey);
  }
  void box(const Box& box, Rgb color, double width) {
    std::array<Vec3, 8> places = box.corners();
    std::array<Point, 4> ground;
    for (size_t i = 0; i < 4; ++i) ground[i] = at(places[i].x, places[i].y);
    draw_polygon(image_, ground, color, width);
    // A line through the front.
    double ahead = box.length / 2 + 0.6;
    draw_line(image_, at(box.centre.x, box.centre.y),
              at(box.centre.x + ahead * std::cos(box.yaw), box.centre.y + ahead * std::sin(box.yaw)), color, width);
  }
  void dot(const Vec3& point, Rgb color) { fill_disc(image_, at(point.x, point.y), 1.5, color); }
  Image take() { return std::move(image_); }

 private:
  std::array<Point, 4> corners(int64_t row, int64_t column, int64_t cells) const {
    auto x = [&](int64_t r) { return grid_.x_at(static_cast<double>(r)); };
    auto y = [&](int64_t c) { return grid_.y_at(static_cast<double>(c)); };
    return {at(x(row), y(column)), at(x(row + cells), y(column)), at(x(row + cells), y(column + cells)),
            at(x(row), y(column + cells))};
  }

  BevGrid grid_;
  double scale_;
  Image image_;
};

}  // namespace

std::optional<Box> interesting_object(const Scene& scene, const BevGrid& grid) {
  std::optional<Box> best;
  double most = -1;
  for (const Box& box : scene.boxes) {
    auto seen = projected_tokens(box, scene.camera);
    if (!seen || !query_of(box, grid) || (box.visible_pixels >= 0 && box.visible_pixels < 12)) continue;
    double share = box.range() / grid.extent;
    // Two thirds of the way out is far enough to be hard and near enough to be made out.
    double worth = 1 - std::abs(share - 0.5) + (box.object == ObjectClass::car ? 0 : 0.5);
    if (worth > most) {
      most = worth;
      best = box;
    }
  }
  return best;
}

FrameView look_at(FusionModel& model, const Scene& scene, const BevGrid& grid, const std::optional<Box>& box) {
  Batch batch = collate({make_sample(scene, grid)});
  FrameView view;
  view.scene = scene;
  {
    NoGrad guard;
    eval(model);
    Tensor output = model(on_default_device(batch.inputs));
    train(model);
    view.found = decode(output.to_vector<float>(), grid);
    view.heat = sigmoid(slice_axis(output, -1, 0, class_count)).to_vector<float>();
  }
  if (box) view.query = query_of(*box, grid);
  std::vector<Tensor> maps = attention_maps(model, batch.inputs);
  if (maps.empty() || !view.query) return view;
  Tensor weights = maps.back();
  std::vector<float> all = weights.to_vector<float>();
  auto first = all.begin() + *view.query * weights.size(2);
  int64_t tokens = batch.inputs.rays.size(1);
  view.attention.assign(first, first + tokens);
  if (weights.size(2) > tokens) view.null = static_cast<double>(first[tokens]);
  return view;
}

Image camera_pane(const FrameView& view, const BevGrid& grid) {
  const Scene& scene = view.scene;
  int64_t factor = factor_of(scene);
  Image image = upscale(scene.image, factor);
  for (int64_t i = 0; i < scene.returns(); ++i) {
    Vec3 point = scene.point(i);
    Pixel pixel = scene.camera.project(point);
    if (scene.camera.inside(pixel)) fill_disc(image, enlarged(pixel, factor), 1.5, range_color(length(point), grid));
  }
  for (const Box& box : scene.boxes) draw_wireframe(image, box, scene.camera, factor, white, 1);
  for (const Box& box : view.found) {
    if (box.score < shown_score) continue;
    draw_wireframe(image, box, scene.camera, factor, color_of(box.object), 2);
    Pixel top = scene.camera.project(box.centre + Vec3{0, 0, box.height / 2});
    if (!scene.camera.inside(top)) continue;
    Point place = enlarged(top, factor);
    draw_text(image, static_cast<int64_t>(place.x) - 12, std::max<int64_t>(static_cast<int64_t>(place.y) - 12, 0),
              label_of(box), color_of(box.object));
  }
  return image;
}

Image bev_pane(const FrameView& view, const BevGrid& grid) {
  BevCanvas canvas(grid);
  for (int64_t row = 0; row < BevGrid::rows; ++row)
    for (int64_t column = 0; column < BevGrid::columns; ++column)
      for (ObjectClass object : object_classes) {
        auto place =
            static_cast<size_t>((row * BevGrid::columns + column) * class_count + static_cast<int64_t>(object));
        canvas.fill_cell(row, column, 1, color_of(object), 0.8 * static_cast<double>(view.heat[place]));
      }
  for (const RangeBand& band : range_bands(grid))
    if (band.nearest > 0) canvas.arc(band.nearest);
  for (int64_t i = 0; i < view.scene.returns(); ++i) {
    Vec3 point = view.scene.point(i);
    canvas.dot(point, range_color(length(point), grid));
  }
  for (const Box& box : view.scene.boxes) canvas.box(box, white, 1);
  for (const Box& box : view.found)
    if (box.score >= shown_score) canvas.box(box, color_of(box.object), 2);
  if (view.query)
    canvas.outline_cell(*view.query / BevGrid::query_columns * 2, *view.query % BevGrid::query_columns * 2, 2,
                        {120, 255, 120});
  return canvas.take();
}

Image attention_pane(const FrameView& view) {
  const Scene& scene = view.scene;
  int64_t factor = factor_of(scene), gauge = 16;
  Image picture = upscale(scene.image, factor);
  if (!view.attention.empty())
    picture =
        overlay_heat(picture, view.attention, scene.camera.height / token_stride, scene.camera.width / token_stride);
  for (const Box& box : scene.boxes)
    if (view.query && query_of(box, BevGrid{}) == view.query)
      draw_wireframe(picture, box, scene.camera, factor, white, 1);
  Image pane(picture.width, picture.height + gauge, dark);
  paste(pane, picture, 0, 0);
  char text[64];
  if (view.attention.empty()) {
    std::snprintf(text, sizeof text, "no attention in this model");
  } else {
    auto filled = view.null * static_cast<double>(pane.width);
    std::array<Point, 4> bar{Point{0, static_cast<double>(picture.height)},
                             {filled, static_cast<double>(picture.height)},
                             {filled, static_cast<double>(pane.height)},
                             {0, static_cast<double>(pane.height)}};
    fill_polygon(pane, bar, {150, 80, 160});
    std::snprintf(text, sizeof text, "null slot: %.0f %%", 100 * view.null);
  }
  draw_text(pane, 6, picture.height + 5, text, white);
  return pane;
}

Image frame_picture(const FrameView& view, const BevGrid& grid) {
  Image camera = camera_pane(view, grid), attention = attention_pane(view), bev = bev_pane(view, grid);
  int64_t left_height = camera.height + attention.height + 2 * caption_height + margin;
  Image all(camera.width + margin + bev.width, std::max(left_height, bev.height + caption_height), white);
  draw_text(all, 2, 3, std::string(name_of(view.scene.condition)) + ": camera with LiDAR returns", black);
  paste(all, camera, 0, caption_height);
  int64_t below = caption_height + camera.height + margin;
  draw_text(all, 2, below + 3, "where the green cell looks", black);
  paste(all, attention, 0, below + caption_height);
  draw_text(all, camera.width + margin + 2, 3, "from above: scores, returns, boxes", black);
  paste(all, bev, camera.width + margin, caption_height);
  return all;
}

Image frame_legend(const BevGrid& grid) {
  std::vector<LegendItem> items{{{200, 200, 200}, "object (white)"}};
  for (ObjectClass object : object_classes)
    items.push_back({color_of(object), std::string("found ") + name_of(object)});
  for (double share : {0.1, 0.5, 0.9}) {
    char text[32];
    std::snprintf(text, sizeof text, "return at %.0f m", share * grid.extent);
    items.push_back({range_color(share * grid.extent, grid), text});
  }
  items.push_back({{120, 255, 120}, "chosen cell"});
  return draw_legend(items, pane_width + margin + bev_size);
}

}  // namespace weft::examples::fusion
