#include <weft/examples/sensor_fusion/kitti_labels.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/sensor_fusion/text_fields.hpp>

namespace weft::examples::fusion {
namespace {

constexpr std::array<std::string_view, 9> types{"Car",     "Van",  "Truck", "Pedestrian", "Person_sitting",
                                                "Cyclist", "Tram", "Misc",  "DontCare"};
constexpr std::array<std::string_view, 3> type_of_class{"Car", "Pedestrian", "Cyclist"};

/// Reads the columns of a line one after another.
class Columns {
 public:
  explicit Columns(const TextLine& line) : line_(line) {}

  double next(std::string_view name) { return number_of(line_.fields[at_++], line_.source, name); }
  double next(std::string_view name, double low, double high) {
    double value = next(name);
    if (value < low || value > high) fail(name, fmt::format("expected {} to {}", low, high));
    return value;
  }
  /// Refuses the column read last.
  [[noreturn]] void fail(std::string_view name, const std::string& expected) const {
    throw FormatError(fmt::format("{}: {}: {}, got {}", line_.source, name, expected, line_.fields[at_ - 1]));
  }

 private:
  const TextLine& line_;
  size_t at_ = 1;
};

KittiLabel parse(const TextLine& line) {
  size_t count = line.fields.size();
  if (count != 15 && count != 16)
    throw FormatError(fmt::format("{}: expected 15 columns, or 16 with a score, got {}", line.source, count));
  KittiLabel label;
  label.type = line.fields[0];
  if (std::find(types.begin(), types.end(), label.type) == types.end())
    throw FormatError(
        fmt::format("{}: type: expected one of {}, got {}", line.source, fmt::join(types, " "), label.type));
  Columns columns(line);
  label.truncated = columns.next("truncated", -1, 1);
  if (label.truncated < 0 && label.truncated != -1) columns.fail("truncated", "expected 0 to 1, or -1");
  double occluded = columns.next("occluded", -1, 3);
  if (occluded != std::floor(occluded)) columns.fail("occluded", "expected an integer");
  label.occluded = static_cast<int>(occluded);
  label.alpha = columns.next("alpha", -10, 10);
  label.bbox.left = columns.next("bbox left");
  label.bbox.top = columns.next("bbox top");
  label.bbox.right = columns.next("bbox right");
  if (label.bbox.right < label.bbox.left) columns.fail("bbox right", "expected no less than bbox left");
  label.bbox.bottom = columns.next("bbox bottom");
  if (label.bbox.bottom < label.bbox.top) columns.fail("bbox bottom", "expected no less than bbox top");
  for (auto [name, value] : {std::pair{"height", &label.height}, {"width", &label.width}, {"length", &label.length}}) {
    *value = columns.next(name);
    // -1 where a detector of the picture alone knows no size.
    if (!label.dont_care() && *value <= 0 && *value != -1) columns.fail(name, "expected more than 0");
  }
  label.bottom.x = columns.next("location x");
  label.bottom.y = columns.next("location y");
  label.bottom.z = columns.next("location z");
  label.rotation_y = columns.next("rotation_y", -10, 10);
  if (count == 16) label.score = columns.next("score");
  return label;
}

}  // namespace

std::vector<KittiLabel> parse_kitti_labels(std::string_view text, const std::string& file) {
  std::vector<KittiLabel> labels;
  for (const TextLine& line : text_lines(text, file)) labels.push_back(parse(line));
  return labels;
}

std::vector<KittiLabel> read_kitti_labels(const std::filesystem::path& path) {
  return parse_kitti_labels(read_file(path.string()), short_name(path.string()));
}

std::string kitti_label_text(const std::vector<KittiLabel>& labels) {
  std::string text;
  for (const KittiLabel& l : labels) {
    text +=
        fmt::format("{} {:.2f} {} {:.8f} {:.4f} {:.4f} {:.4f} {:.4f} {:.8f} {:.8f} {:.8f} {:.8f} {:.8f} {:.8f} {:.8f}",
                    l.type, l.truncated, l.occluded, l.alpha, l.bbox.left, l.bbox.top, l.bbox.right, l.bbox.bottom,
                    l.height, l.width, l.length, l.bottom.x, l.bottom.y, l.bottom.z, l.rotation_y);
    if (l.score) text += fmt::format(" {:.6f}", *l.score);
    text += '\n';
  }
  return text;
}

KittiLabel label_of(const Box& box, const CameraModel& camera, const Pose& rect_from_ego) {
  KittiLabel label;
  label.type = type_of_class[static_cast<size_t>(box.object)];
  label.truncated = box.truncation;
  label.occluded = static_cast<int>(box.occlusion);
  if (std::optional<Rectangle> bbox = visible_rectangle(camera, box)) {
    // KITTI cuts at the centres of the outermost pixels.
    label.bbox = {std::max(bbox->left, 0.0), std::max(bbox->top, 0.0),
                  std::min(bbox->right, static_cast<double>(camera.width - 1)),
                  std::min(bbox->bottom, static_cast<double>(camera.height - 1))};
    label.bbox.right = std::max(label.bbox.right, label.bbox.left);
    label.bbox.bottom = std::max(label.bbox.bottom, label.bbox.top);
  }
  label.height = box.height;
  label.width = box.width;
  label.length = box.length;
  label.bottom = rect_from_ego * box.centre + Vec3{0, box.height / 2, 0};
  Vec3 heading = rect_from_ego.rotation * Vec3{std::cos(box.yaw), std::sin(box.yaw), 0};
  label.rotation_y = std::atan2(-heading.z, heading.x);
  label.alpha = wrap_angle(label.rotation_y - std::atan2(label.bottom.x, label.bottom.z));
  return label;
}

std::optional<Box> box_of(const KittiLabel& label, const Pose& rect_from_ego) {
  auto type = std::find(type_of_class.begin(), type_of_class.end(), label.type);
  if (type == type_of_class.end()) return std::nullopt;
  Pose ego_from_rect = rect_from_ego.inverse();
  Box box;
  box.object = object_classes[static_cast<size_t>(type - type_of_class.begin())];
  box.height = label.height;
  box.width = label.width;
  box.length = label.length;
  box.centre = ego_from_rect * (label.bottom - Vec3{0, label.height / 2, 0});
  Vec3 heading = ego_from_rect.rotation * Vec3{std::cos(label.rotation_y), 0, -std::sin(label.rotation_y)};
  box.yaw = wrap_angle(std::atan2(heading.y, heading.x));
  box.score = label.score.value_or(1.0);
  box.truncation = label.truncated;
  box.occlusion = label.occluded >= 0 ? static_cast<Occlusion>(label.occluded) : Occlusion::unknown;
  return box;
}

}  // namespace weft::examples::fusion
