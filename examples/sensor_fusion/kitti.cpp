#include <weft/examples/sensor_fusion/kitti.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/examples/sensor_fusion/facts.hpp>
#include <weft/examples/sensor_fusion/point_file.hpp>
#include <weft/examples/sensor_fusion/text_fields.hpp>

namespace weft::examples::fusion {
namespace {

namespace fs = std::filesystem;

/// A multiple of 2^-12 m: adding it to a coordinate that is one too loses no bit.
double on_grid(double height) { return std::floor(height * 4096 + 0.5) / 4096; }

void lift(std::vector<float>& points, double height) {
  for (size_t i = 2; i < points.size(); i += 4) points[i] += static_cast<float>(height);
}

Pose rect_from_ego(const KittiCalibration& calibration, double lidar_height) {
  return calibration.rect_from_velodyne() * Pose{{}, {0, 0, -lidar_height}};
}

/// A bbox that sticks out, or a camera that looks elsewhere, gives away a picture of another size or frame.
void check_picture(const Image& image, const CameraModel& camera, const std::vector<KittiLabel>& labels,
                   const std::string& name, const std::string& label_name) {
  std::string got = fmt::format("got {} x {} pixels", image.width, image.height);
  double width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  if (camera.cx < 0 || camera.cx >= width || camera.cy < 0 || camera.cy >= height)
    throw FormatError(fmt::format("{}: expected a picture that holds the centre ({:.1f}, {:.1f}) of P2, {}", name,
                                  camera.cx, camera.cy, got));
  for (size_t i = 0; i < labels.size(); ++i) {
    const Rectangle& r = labels[i].bbox;
    if (r.left < -1 || r.top < -1 || r.right > width || r.bottom > height)
      throw FormatError(fmt::format("{}: expected a picture that holds the bbox ({}, {}, {}, {}) of {} row {}, {}",
                                    name, r.left, r.top, r.right, r.bottom, label_name, i + 1, got));
  }
}

std::string frame_name(const Scene& scene, size_t place) {
  bool number = scene.id.size() == 6 && scene.id.find_first_not_of("0123456789") == std::string::npos;
  return number ? scene.id : fmt::format("{:06}", place);
}

}  // namespace

KittiSet::KittiSet(const fs::path& root, const std::string& split) {
  bool listed = split != "training" && split != "testing";
  folder_ = root / (split == "testing" || split == "test" ? "testing" : "training");
  std::error_code ignored;
  if (!fs::is_directory(folder_ / "velodyne", ignored))
    throw FileError("cannot read " + (folder_ / "velodyne").string() + ": no such folder");
  labelled_ = fs::is_directory(folder_ / "label_2", ignored);
  if (listed) {
    fs::path list = root / "ImageSets" / (split + ".txt");
    std::string text = read_file(list.string());
    for (const TextLine& line : text_lines(text, short_name(list.string()))) {
      std::string frame(line.fields[0]);
      if (line.fields.size() != 1 || frame.find_first_not_of("0123456789") != std::string::npos)
        throw FormatError(line.source + ": expected the number of a frame, got " + frame);
      frames_.push_back(frame);
    }
    if (frames_.empty()) throw FormatError(short_name(list.string()) + ": expected one frame per line, got none");
    return;
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / "velodyne"))
    if (entry.path().extension() == ".bin") frames_.push_back(entry.path().stem().string());
  std::sort(frames_.begin(), frames_.end());
}

fs::path KittiSet::file(const char* folder, int64_t index, const char* extension) const {
  if (index < 0 || index >= size())
    throw IndexError(fmt::format("KittiSet: index: expected 0 to {}, got {}", size() - 1, index));
  return folder_ / folder / (frame(index) + extension);
}

std::vector<KittiLabel> KittiSet::labels(int64_t index) const {
  fs::path path = file("label_2", index, ".txt");
  return labelled_ ? read_kitti_labels(path) : std::vector<KittiLabel>();
}

KittiCalibration KittiSet::calibration(int64_t index) const {
  return read_kitti_calibration(file("calib", index, ".txt"));
}

Scene KittiSet::scene(int64_t index) const {
  Scene scene;
  scene.points = read_float_rows(file("velodyne", index, ".bin"), 4);
  scene.id = frame(index);
  scene.image = read_png(file("image_2", index, ".png"));
  KittiCalibration calibration = this->calibration(index);
  std::vector<KittiLabel> labels = this->labels(index);
  std::string picture = short_name(file("image_2", index, ".png").string()),
              label_file = short_name(file("label_2", index, ".txt").string());

  // The facts come first, as they may say how high the LiDAR stands; what they say of boxes is applied with the boxes.
  fs::path facts = file("facts", index, ".json");
  std::error_code ignored;
  scene.lidar_origin = {0, 0, on_grid(kitti_lidar_height)};
  for (const KittiLabel& label : labels)
    if (std::optional<Box> box = box_of(label, Pose{})) {
      if (label.height <= 0 || label.width <= 0 || label.length <= 0)
        throw FormatError(label_file + ": dimensions: expected more than 0 for a " + label.type + ", got -1");
      scene.boxes.push_back(*box);
    }
  bool has_facts = fs::is_regular_file(facts, ignored);
  if (has_facts) apply_facts(scene, read_file(facts.string()), short_name(facts.string()));

  double height = on_grid(scene.lidar_origin.z);
  lift(scene.points, height);
  Pose to_rect = rect_from_ego(calibration, height);
  scene.camera = calibration.camera(scene.image.width, scene.image.height);
  Pose& camera = scene.camera.camera_from_ego;
  camera = camera * Pose{{}, {0, 0, -height}};
  check_picture(scene.image, scene.camera, labels, picture, label_file);
  size_t place = 0;
  for (const KittiLabel& label : labels)
    if (std::optional<Box> box = box_of(label, to_rect)) {
      box->lidar_points = scene.boxes[place].lidar_points;
      box->visible_pixels = scene.boxes[place].visible_pixels;
      scene.boxes[place++] = *box;
    }
  if (!has_facts) count_lidar_points(scene);
  return scene;
}

std::vector<Scene> load_kitti(const fs::path& root, const std::string& split) {
  KittiSet set(root, split);
  std::vector<Scene> scenes(static_cast<size_t>(set.size()));
  parallel_for(set.size(), [&](int64_t i) { scenes[static_cast<size_t>(i)] = set.scene(i); });
  return scenes;
}

void write_kitti(const fs::path& root, const std::vector<Scene>& scenes, const std::string& split) {
  std::vector<std::string> names;
  for (size_t i = 0; i < scenes.size(); ++i) names.push_back(frame_name(scenes[i], i));
  std::set<std::string> distinct(names.begin(), names.end());
  if (distinct.size() != names.size()) throw ValueError("write_kitti: expected scenes of different ids");
  parallel_for(static_cast<int64_t>(scenes.size()), [&](int64_t i) {
    const Scene& scene = scenes[static_cast<size_t>(i)];
    const std::string& name = names[static_cast<size_t>(i)];
    fs::path folder = root / split;
    double height = on_grid(scene.lidar_origin.z);
    std::vector<float> points = scene.points;
    lift(points, -height);
    write_float_rows(folder / "velodyne" / (name + ".bin"), points);
    write_plainly(folder / "image_2" / (name + ".png"), encode_png(scene.image));
    KittiCalibration calibration = kitti_calibration_of(scene.camera, height);
    write_plainly(folder / "calib" / (name + ".txt"), kitti_calibration_text(calibration));
    write_plainly(folder / "label_2" / (name + ".txt"),
                  kitti_label_text(kitti_labels_of(scene.boxes, scene, calibration)));
    write_plainly(folder / "facts" / (name + ".json"), facts_text(scene));
  });
}

std::vector<KittiLabel> kitti_labels_of(const std::vector<Box>& boxes, const Scene& scene,
                                        const KittiCalibration& calibration, bool scored) {
  Pose to_rect = rect_from_ego(calibration, on_grid(scene.lidar_origin.z));
  std::vector<KittiLabel> labels;
  for (const Box& box : boxes) {
    labels.push_back(label_of(box, scene.camera, to_rect));
    if (scored) labels.back().score = box.score;
  }
  return labels;
}

void write_kitti_results(const fs::path& path, const std::vector<Box>& detections, const Scene& scene,
                         const KittiCalibration& calibration) {
  write_plainly(path, kitti_label_text(kitti_labels_of(detections, scene, calibration, true)));
}

}  // namespace weft::examples::fusion
