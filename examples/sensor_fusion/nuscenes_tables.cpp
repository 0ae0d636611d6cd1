#include <weft/examples/sensor_fusion/nuscenes_tables.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <weft/core/error.hpp>
#include <weft/examples/common/json_rows.hpp>

namespace weft::examples::fusion {
namespace {

/// Rows of one table by their tokens.
template <class Row> class Table {
 public:
  explicit Table(std::string name) : name_(std::move(name)) {}

  void add(const JsonRow& row, Row value) {
    if (!rows_.emplace(row.token("token"), std::move(value)).second) row.fail("token", "one that is not there yet");
  }
  /// The row that `field` of another table's row points to.
  const Row& at(const JsonRow& row, const char* field) const {
    auto found = rows_.find(row.token(field));
    if (found == rows_.end()) row.fail(field, "a token of " + name_ + ".json");
    return found->second;
  }
  /// nullptr when there is none.
  const Row* find(const std::string& token) const {
    auto found = rows_.find(token);
    return found == rows_.end() ? nullptr : &found->second;
  }

 private:
  std::string name_;
  std::unordered_map<std::string, Row> rows_;
};

Mat3 rotation_from(const JsonRow& row) {
  std::vector<double> q = row.numbers("rotation", 4);
  double norm = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  if (std::abs(norm - 1) > 1e-3) row.fail("rotation", "a quaternion w x y z of length 1");
  return rotation_of(q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm);
}

Vec3 vector_from(const JsonRow& row, const char* field) {
  std::vector<double> v = row.numbers(field, 3);
  return {v[0], v[1], v[2]};
}

Table<std::string> read_names(const std::filesystem::path& folder, const std::string& table, const char* field) {
  Table<std::string> names(table);
  for_each_row(folder / (table + ".json"), [&](const JsonRow& row) { names.add(row, row.text(field)); });
  return names;
}

struct CalibratedSensor {
  std::string channel;
  Pose pose;
  Mat3 intrinsic;
};

Table<CalibratedSensor> read_sensors(const std::filesystem::path& folder, const std::string& camera_channel) {
  Table<std::string> channels = read_names(folder, "sensor", "channel");
  Table<CalibratedSensor> sensors("calibrated_sensor");
  for_each_row(folder / "calibrated_sensor.json", [&](const JsonRow& row) {
    CalibratedSensor sensor;
    sensor.channel = channels.at(row, "sensor_token");
    sensor.pose = {rotation_from(row), vector_from(row, "translation")};
    std::vector<double> k = row.matrix("camera_intrinsic", 3, 3);
    if (sensor.channel == camera_channel) {
      if (k.empty() || k[0] <= 0 || k[4] <= 0 || k[3] != 0 || k[6] != 0 || k[7] != 0 || k[8] != 1)
        row.fail("camera_intrinsic", "a camera matrix (fx s cx; 0 fy cy; 0 0 1)");
      std::copy(k.begin(), k.end(), sensor.intrinsic.m.begin());
    }
    sensors.add(row, std::move(sensor));
  });
  return sensors;
}

struct Samples {
  std::vector<NuScenesSample> list;  // as sample.json has them
  std::vector<size_t> scene;         // place of each one's scene in scene.json
  Table<size_t> place{"sample"};
};

Samples read_samples(const std::filesystem::path& folder) {
  struct NamedScene {
    std::string name;
    bool night;
    size_t place;
  };
  Table<NamedScene> scenes("scene");
  size_t count = 0;
  for_each_row(folder / "scene.json", [&](const JsonRow& row) {
    std::string description = row.has("description") ? row.text("description") : "";
    for (char& letter : description) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    scenes.add(row, {row.text("name"), description.find("night") != std::string::npos, count++});
  });
  Samples samples;
  for_each_row(folder / "sample.json", [&](const JsonRow& row) {
    const NamedScene& scene = scenes.at(row, "scene_token");
    NuScenesSample sample;
    sample.token = row.token("token");
    sample.scene = scene.name;
    sample.night = scene.night;
    sample.timestamp = row.integer("timestamp");
    samples.place.add(row, samples.list.size());
    samples.list.push_back(std::move(sample));
    samples.scene.push_back(scene.place);
  });
  return samples;
}

void read_recordings(const std::filesystem::path& folder, const std::string& camera_channel, Samples& samples) {
  Table<CalibratedSensor> sensors = read_sensors(folder, camera_channel);
  std::unordered_map<std::string, std::vector<NuScenesRecording*>> waiting;  // for an ego pose
  std::unordered_set<std::string> seen;
  for_each_row(folder / "sample_data.json", [&](const JsonRow& row) {
    if (!row.boolean("is_key_frame")) return;
    const CalibratedSensor& sensor = sensors.at(row, "calibrated_sensor_token");
    bool lidar = sensor.channel == "LIDAR_TOP";
    if (!lidar && sensor.channel != camera_channel) return;
    if (!seen.insert(row.token("token")).second) row.fail("token", "one that is not there yet");
    NuScenesSample& sample = samples.list[samples.place.at(row, "sample_token")];
    NuScenesRecording& recording = lidar ? sample.lidar : sample.camera;
    if (!recording.file.empty()) row.fail("sample_token", "a sample without a key frame of " + sensor.channel);
    recording.file = row.token("filename");
    recording.source = row.source();
    recording.ego_from_sensor = sensor.pose;
    recording.intrinsic = sensor.intrinsic;
    if (!lidar) {
      recording.width = row.integer("width");
      recording.height = row.integer("height");
      if (recording.width < 1) row.fail("width", "at least 1");
      if (recording.height < 1) row.fail("height", "at least 1");
    }
    waiting[row.token("ego_pose_token")].push_back(&recording);
  });
  for_each_row(folder / "ego_pose.json", [&](const JsonRow& row) {
    auto found = waiting.find(row.token("token"));
    if (found == waiting.end()) return;
    Pose pose{rotation_from(row), vector_from(row, "translation")};
    for (NuScenesRecording* recording : found->second) recording->global_from_ego = pose;
    waiting.erase(found);
  });
  if (!waiting.empty()) {
    auto first = std::min_element(waiting.begin(), waiting.end(),
                                  [](const auto& a, const auto& b) { return a.first < b.first; });
    throw FormatError(first->second.front()->source + ": ego_pose_token: expected a token of ego_pose.json, got \"" +
                      first->first + "\"");
  }
  for (const NuScenesSample& sample : samples.list)
    for (auto [recording, channel] :
         {std::pair{&sample.lidar, std::string("LIDAR_TOP")}, {&sample.camera, camera_channel}})
      if (recording->file.empty())
        throw FormatError("sample_data.json: expected a key frame of " + channel + " for sample " + sample.token +
                          ", got none");
}

/// The levels are shares of the object that the cameras see, such as v40-60.
Occlusion occlusion_of(const std::string& level) {
  if (level == "v80-100") return Occlusion::none;
  if (level == "v60-80" || level == "v40-60") return Occlusion::partly;
  return level == "v0-40" ? Occlusion::largely : Occlusion::unknown;
}

void read_annotations(const std::filesystem::path& folder, Samples& samples) {
  Table<std::string> categories = read_names(folder, "category", "name");
  Table<std::string> attributes = read_names(folder, "attribute", "name");
  Table<std::string> levels = read_names(folder, "visibility", "level");
  Table<std::string> instances("instance");
  for_each_row(folder / "instance.json",
               [&](const JsonRow& row) { instances.add(row, categories.at(row, "category_token")); });
  std::unordered_set<std::string> seen;
  for_each_row(folder / "sample_annotation.json", [&](const JsonRow& row) {
    NuScenesAnnotation annotation;
    if (!seen.insert(row.token("token")).second) row.fail("token", "one that is not there yet");
    NuScenesSample& sample = samples.list[samples.place.at(row, "sample_token")];
    annotation.category = instances.at(row, "instance_token");
    for (const std::string& token : row.texts("attribute_tokens")) {
      const std::string* name = attributes.find(token);
      if (!name) row.fail("attribute_tokens", "tokens of attribute.json");
      annotation.attributes.push_back(*name);
    }
    annotation.centre = vector_from(row, "translation");
    std::vector<double> size = row.numbers("size", 3);
    if (!(std::min({size[0], size[1], size[2]}) > 0)) row.fail("size", "width, length and height above 0");
    annotation.width = size[0];
    annotation.length = size[1];
    annotation.height = size[2];
    annotation.rotation = rotation_from(row);
    annotation.lidar_points = row.integer("num_lidar_pts");
    annotation.radar_points = row.integer("num_radar_pts");
    if (annotation.lidar_points < 0) row.fail("num_lidar_pts", "at least 0");
    if (!row.text("visibility_token").empty()) annotation.occlusion = occlusion_of(levels.at(row, "visibility_token"));
    sample.annotations.push_back(std::move(annotation));
  });
}

}  // namespace

Mat3 rotation_of(double w, double x, double y, double z) {
  return {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z),
           1 - 2 * (x * x + z * z), 2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x),
           1 - 2 * (x * x + y * y)}};
}

std::vector<NuScenesSample> read_nuscenes_tables(const std::filesystem::path& folder,
                                                 const std::string& camera_channel) {
  Samples samples = read_samples(folder);
  read_recordings(folder, camera_channel, samples);
  read_annotations(folder, samples);
  std::vector<size_t> order(samples.list.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair{samples.scene[a], samples.list[a].timestamp} <
           std::pair{samples.scene[b], samples.list[b].timestamp};
  });
  std::vector<NuScenesSample> sorted;
  for (size_t place : order) sorted.push_back(std::move(samples.list[place]));
  return sorted;
}

}  // namespace weft::examples::fusion
