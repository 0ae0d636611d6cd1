#include <weft/examples/sensor_fusion/nuscenes.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/picture.hpp>
#include <weft/examples/sensor_fusion/point_file.hpp>

namespace weft::examples::fusion {
namespace {

constexpr std::array<double, 3> class_range{50, 40, 30};

std::optional<ObjectClass> class_of(const NuScenesAnnotation& annotation, bool riderless) {
  constexpr std::array<std::string_view, 4> people{"human.pedestrian.adult", "human.pedestrian.child",
                                                   "human.pedestrian.construction_worker",
                                                   "human.pedestrian.police_officer"};
  if (annotation.category == "vehicle.car") return ObjectClass::car;
  if (std::find(people.begin(), people.end(), annotation.category) != people.end()) return ObjectClass::pedestrian;
  if (annotation.category != "vehicle.bicycle" && annotation.category != "vehicle.motorcycle") return std::nullopt;
  const auto& all = annotation.attributes;
  bool ridden = std::find(all.begin(), all.end(), "cycle.with_rider") != all.end();
  if (ridden || riderless) return ObjectClass::cyclist;
  return std::nullopt;
}

Image read_frame(const std::filesystem::path& path, const NuScenesRecording& camera) {
  Image image = read_picture(path);
  if (image.width != camera.width || image.height != camera.height)
    throw FormatError(fmt::format("{}: expected {} x {} pixels, as {} says, got {} x {}", camera.file, camera.width,
                                  camera.height, camera.source, image.width, image.height));
  return image;
}

/// Rows of five floats in the sensor's frame, intensity to 255, as points of the ego frame.
std::vector<float> read_scan(const std::filesystem::path& path, const Pose& ego_from_sensor) {
  std::vector<float> rows = read_float_rows(path, 5), points;
  points.reserve(rows.size() / 5 * 4);
  for (size_t i = 0; i < rows.size(); i += 5) {
    Vec3 p = ego_from_sensor * Vec3{rows[i], rows[i + 1], rows[i + 2]};
    points.insert(points.end(), {static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z),
                                 std::clamp(rows[i + 3] / 255, 0.0f, 1.0f)});
  }
  return points;
}

Box box_of(const NuScenesAnnotation& annotation, ObjectClass object, const Pose& ego_from_global) {
  Box box;
  box.object = object;
  box.centre = ego_from_global * annotation.centre;
  box.length = annotation.length;
  box.width = annotation.width;
  box.height = annotation.height;
  Vec3 heading = ego_from_global.rotation * (annotation.rotation * Vec3{1, 0, 0});
  box.yaw = wrap_angle(std::atan2(heading.y, heading.x));
  box.lidar_points = annotation.lidar_points;
  box.occlusion = annotation.occlusion;
  return box;
}

}  // namespace

std::vector<std::string> nuscenes_mini_split(const std::string& name) {
  if (name == "mini_val") return {"scene-0103", "scene-0916"};
  if (name == "mini_train")
    return {"scene-0061", "scene-0553", "scene-0655", "scene-0757",
            "scene-0796", "scene-1077", "scene-1094", "scene-1100"};
  throw ValueError("nuscenes_mini_split: expected mini_train or mini_val, got " + name);
}

NuScenesSet::NuScenesSet(const std::filesystem::path& root, const NuScenesOptions& options)
    : root_(root), options_(options), samples_(read_nuscenes_tables(root / options.version, options.camera)) {
  if (options.scenes.empty()) return;
  for (const std::string& name : options.scenes)
    if (std::none_of(samples_.begin(), samples_.end(), [&](const NuScenesSample& s) { return s.scene == name; }))
      throw ValueError("NuScenesSet: scenes: expected names of scene.json with samples, got " + name);
  std::erase_if(samples_, [&](const NuScenesSample& s) {
    return std::find(options.scenes.begin(), options.scenes.end(), s.scene) == options.scenes.end();
  });
}

Scene NuScenesSet::scene(int64_t index) const {
  if (index < 0 || index >= size())
    throw IndexError(fmt::format("NuScenesSet: index: expected 0 to {}, got {}", size() - 1, index));
  const NuScenesSample& sample = this->sample(index);
  Scene scene;
  scene.id = sample.token;
  scene.condition = sample.night ? Condition::night : Condition::clear;
  scene.lidar_origin = sample.lidar.ego_from_sensor.translation;
  scene.points = read_scan(root_ / sample.lidar.file, sample.lidar.ego_from_sensor);
  scene.image = read_frame(root_ / sample.camera.file, sample.camera);

  CameraModel& camera = scene.camera;
  camera.width = sample.camera.width;
  camera.height = sample.camera.height;
  camera.fx = sample.camera.intrinsic(0, 0);
  camera.skew = sample.camera.intrinsic(0, 1);
  camera.cx = sample.camera.intrinsic(0, 2);
  camera.fy = sample.camera.intrinsic(1, 1);
  camera.cy = sample.camera.intrinsic(1, 2);
  camera.camera_from_ego = sample.camera.ego_from_sensor.inverse() *
                           (sample.camera.global_from_ego.inverse() * sample.lidar.global_from_ego);

  Pose ego_from_global = sample.lidar.global_from_ego.inverse();
  for (const NuScenesAnnotation& annotation : sample.annotations) {
    std::optional<ObjectClass> object = class_of(annotation, options_.riderless);
    if (!object) continue;
    Box box = box_of(annotation, *object, ego_from_global);
    if (options_.evaluated && (box.range() > class_range[static_cast<size_t>(*object)] ||
                               annotation.lidar_points + annotation.radar_points == 0))
      continue;
    std::optional<Rectangle> whole = rectangle_of(camera, box), shown = visible_rectangle(camera, box);
    if (options_.in_view && !shown) continue;
    box.truncation = shown ? 1 - shown->area() / whole->area() : 1;
    scene.boxes.push_back(box);
  }
  return scene;
}

std::vector<Scene> load_nuscenes(const std::filesystem::path& root, const NuScenesOptions& options) {
  NuScenesSet set(root, options);
  std::vector<Scene> scenes(static_cast<size_t>(set.size()));
  parallel_for(set.size(), [&](int64_t i) { scenes[static_cast<size_t>(i)] = set.scene(i); });
  return scenes;
}

}  // namespace weft::examples::fusion
