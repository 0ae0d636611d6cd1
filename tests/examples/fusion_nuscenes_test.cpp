#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/jpeg.hpp>
#include <weft/examples/sensor_fusion/nuscenes.hpp>
#include <weft/examples/sensor_fusion/point_file.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;
using Catch::Matchers::Contains;
using nlohmann::json;
using test::read_text;
using test::TemporaryFolder;
using test::write_text;

namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double focal = 157, centre_u = 101, centre_v = 61;

json quaternion(double yaw) { return {std::cos(yaw / 2), 0, 0, std::sin(yaw / 2)}; }
json list(const Vec3& v) { return {v.x, v.y, v.z}; }
Pose pose_at(double yaw, const Vec3& place) { return {rotation_of(std::cos(yaw / 2), 0, 0, std::sin(yaw / 2)), place}; }

// From the camera's axes (z ahead, x right, y down) to the car's: w x y z = (1, -1, 1, -1) / 2.
const Mat3 ego_from_camera{{0, 0, 1, -1, 0, 0, 0, -1, 0}};

struct Moment {
  double yaw;
  Vec3 place;
};
// The car drives and turns, so the two sensors of one sample see from different places.
const std::array<Moment, 2> lidar_moment{{{0.5, {600, 1600, 0.1}}, {0.9, {606, 1604, 0.1}}}},
    camera_moment{{{0.53, {600.7, 1600.4, 0.1}}, {0.93, {606.6, 1604.6, 0.1}}}};
const Vec3 lidar_place{0.94, 0, 1.84}, camera_place{1.7, 0.02, 1.51};

/// One scene of two samples, by hand, with a car ahead of it all along and a pedestrian behind in the second.
struct MadeNuScenes : TemporaryFolder {
  std::map<std::string, json> tables;
  Vec3 car{615, 1610, 0.9};

  MadeNuScenes() {
    tables["log"] = tables["map"] = json::array();
    tables["category"] = {{{"token", "c1"}, {"name", "vehicle.car"}, {"description", ""}},
                          {{"token", "c2"}, {"name", "human.pedestrian.adult"}, {"description", ""}},
                          {{"token", "c3"}, {"name", "vehicle.bicycle"}, {"description", ""}},
                          {{"token", "c4"}, {"name", "movable_object.barrier"}, {"description", ""}}};
    tables["attribute"] = {{{"token", "a1"}, {"name", "cycle.with_rider"}},
                           {{"token", "a2"}, {"name", "cycle.without_rider"}}};
    tables["visibility"] = {{{"token", "1"}, {"level", "v0-40"}}, {{"token", "4"}, {"level", "v80-100"}}};
    tables["sensor"] = {{{"token", "s1"}, {"channel", "LIDAR_TOP"}, {"modality", "lidar"}},
                        {{"token", "s2"}, {"channel", "CAM_FRONT"}, {"modality", "camera"}},
                        {{"token", "s3"}, {"channel", "CAM_BACK"}, {"modality", "camera"}}};
    json k = {{focal, 0, centre_u}, {0, focal, centre_v}, {0, 0, 1}};
    tables["calibrated_sensor"] = {{{"token", "cs1"},
                                    {"sensor_token", "s1"},
                                    {"translation", list(lidar_place)},
                                    {"rotation", quaternion(-pi / 2)},  // nuScenes' LiDAR has x to the right
                                    {"camera_intrinsic", json::array()}},
                                   {{"token", "cs2"},
                                    {"sensor_token", "s2"},
                                    {"translation", list(camera_place)},
                                    {"rotation", {0.5, -0.5, 0.5, -0.5}},
                                    {"camera_intrinsic", k}},
                                   {{"token", "cs3"},
                                    {"sensor_token", "s3"},
                                    {"translation", {0, 0, 1.5}},
                                    {"rotation", {0.5, -0.5, -0.5, 0.5}},
                                    {"camera_intrinsic", k}}};
    tables["scene"] = {{{"token", "sc1"}, {"name", "scene-0061"}, {"description", "Night, a car ahead"}}};
    tables["sample"] = {{{"token", "sa2"}, {"timestamp", 1532402928500000}, {"scene_token", "sc1"}},
                        {{"token", "sa1"}, {"timestamp", 1532402927600000}, {"scene_token", "sc1"}}};
    for (const char* name : {"ego_pose", "sample_data", "instance", "sample_annotation"}) tables[name] = json::array();
    for (int i = 0; i < 2; ++i) {
      std::string n = std::to_string(i + 1);
      add_data(n, "l" + n, "cs1", "samples/LIDAR_TOP/" + n + ".pcd.bin", lidar_moment[static_cast<size_t>(i)], 0, 0);
      add_data(n, "p" + n, "cs2", "samples/CAM_FRONT/" + n + ".jpg", camera_moment[static_cast<size_t>(i)], 203, 127);
      write_jpeg(path() / ("samples/CAM_FRONT/" + n + ".jpg"), Image(203, 127, {0, static_cast<uint8_t>(100 * i), 0}));
      write_scan(i);
    }
    // A sweep between key frames, of which nothing else exists.
    tables["sample_data"].push_back({{"token", "sweep"}, {"is_key_frame", false}});
    add_box("1", "c1", car, {1.9, 4.6, 1.7}, 0.2, {}, "4", 31);
    add_box("2", "c1", car, {1.9, 4.6, 1.7}, 0.2, {}, "1", 12);
    add_box("1", "c3", {612, 1605, 1}, {0.6, 1.8, 1.6}, 1, {"a1"}, "4", 3);
    add_box("1", "c3", {613, 1606, 1}, {0.6, 1.8, 1.6}, 1, {"a2"}, "4", 3);
    add_box("1", "c4", {611, 1606, 1}, {0.6, 1.8, 1.6}, 1, {}, "4", 3);
    add_box("1", "c2", {612, 1607.5, 1}, {0.6, 0.6, 1.7}, 1, {}, "", 0);  // no returns
    add_box("2", "c2", {600, 1600, 1}, {0.6, 0.6, 1.7}, 1, {}, "4", 9);   // behind
    write();
  }

  void add_data(const std::string& sample, const std::string& token, const char* sensor, const std::string& file,
                const Moment& moment, int width, int height) {
    tables["ego_pose"].push_back(
        {{"token", "e" + token}, {"translation", list(moment.place)}, {"rotation", quaternion(moment.yaw)}});
    tables["sample_data"].push_back({{"token", token},
                                     {"sample_token", "sa" + sample},
                                     {"ego_pose_token", "e" + token},
                                     {"calibrated_sensor_token", sensor},
                                     {"filename", file},
                                     {"is_key_frame", true},
                                     {"width", width},
                                     {"height", height}});
  }
  void add_box(const std::string& sample, const char* category, const Vec3& centre, const json& size, double yaw,
               const json& attributes, const char* visibility, int points) {
    std::string n = std::to_string(tables["instance"].size());
    tables["instance"].push_back({{"token", "i" + n}, {"category_token", category}});
    tables["sample_annotation"].push_back({{"token", "an" + n},
                                           {"sample_token", "sa" + sample},
                                           {"instance_token", "i" + n},
                                           {"visibility_token", visibility},
                                           {"attribute_tokens", attributes.is_null() ? json::array() : attributes},
                                           {"translation", list(centre)},
                                           {"size", size},
                                           {"rotation", quaternion(yaw)},
                                           {"num_lidar_pts", points},
                                           {"num_radar_pts", 0}});
  }
  /// Two points: the middle of the car, and one 2 m to the right of the sensor.
  void write_scan(int i) {
    const Moment& moment = lidar_moment[static_cast<size_t>(i)];
    Pose global_from_sensor = pose_at(moment.yaw, moment.place) * pose_at(-pi / 2, lidar_place);
    Vec3 middle = global_from_sensor.inverse() * car;
    std::vector<float> rows{static_cast<float>(middle.x),
                            static_cast<float>(middle.y),
                            static_cast<float>(middle.z),
                            51,
                            3,
                            2,
                            0,
                            0,
                            255,
                            7};
    write_float_rows(path() / ("samples/LIDAR_TOP/" + std::to_string(i + 1) + ".pcd.bin"), rows);
  }
  void write() const {
    for (const auto& [name, rows] : tables) write_text(path() / "v1.0-mini" / (name + ".json"), rows.dump(1));
  }
  void check_error(const std::string& text) const {
    write();
    CHECK_THROWS_WITH(load_nuscenes(path()), Contains(text));
    CHECK_THROWS_AS(load_nuscenes(path()), FormatError);
  }
};

}  // namespace

TEST_CASE("a quaternion w x y z turns as it should") {
  Mat3 quarter = rotation_of(std::sqrt(0.5), 0, 0, std::sqrt(0.5));
  CHECK(length(quarter * Vec3{1, 0, 0} - Vec3{0, 1, 0}) < 1e-12);
  Mat3 camera = rotation_of(0.5, -0.5, 0.5, -0.5);
  for (size_t i = 0; i < 9; ++i) CHECK(camera.m[i] == Approx(ego_from_camera.m[i]).margin(1e-12));
}

TEST_CASE("samples of nuScenes become scenes in the ego frame at the time of the LiDAR") {
  MadeNuScenes made;
  std::vector<Scene> scenes = load_nuscenes(made.path());
  REQUIRE(scenes.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const Scene& scene = scenes[i];
    CHECK(scene.id == "sa" + std::to_string(i + 1));  // by time, not as the table has them
    CHECK(scene.condition == Condition::night);
    CHECK(scene.image.at(5, 5).green == Approx(100 * i).margin(3));
    CHECK(length(scene.lidar_origin - lidar_place) < 1e-12);
    Pose global_from_ego = pose_at(lidar_moment[i].yaw, lidar_moment[i].place);
    Vec3 car = global_from_ego.inverse() * made.car;
    REQUIRE(scene.returns() == 2);
    CHECK(length(scene.point(0) - car) < 1e-4);
    CHECK(scene.points[3] == Approx(0.2));
    // The sensor's x is the car's right.
    CHECK(length(scene.point(1) - (lidar_place + Vec3{0, -2, 0})) < 1e-5);
    CHECK(scene.points[7] == 1);

    // The pixel by the whole chain, with the ego pose of the camera's own time ...
    Vec3 in_camera = Pose{ego_from_camera, camera_place}.inverse() *
                     (pose_at(camera_moment[i].yaw, camera_moment[i].place).inverse() * made.car);
    Pixel pixel = scene.camera.project(car);
    CHECK(pixel.u == Approx(focal * in_camera.x / in_camera.z + centre_u));
    CHECK(pixel.v == Approx(focal * in_camera.y / in_camera.z + centre_v));
    CHECK(pixel.depth == Approx(in_camera.z));
    // ... is far from the one by a single ego pose.
    Vec3 single = Pose{ego_from_camera, camera_place}.inverse() * car;
    CHECK(std::abs(focal * single.x / single.z + centre_u - pixel.u) > 4);

    REQUIRE(!scene.boxes.empty());
    const Box& box = scene.boxes[0];
    CHECK(box.object == ObjectClass::car);
    CHECK(length(box.centre - car) < 1e-9);
    CHECK(box.yaw == Approx(0.2 - lidar_moment[i].yaw));
    CHECK(box.width == 1.9);
    CHECK(box.length == 4.6);
    CHECK(box.height == 1.7);
    CHECK(box.lidar_points == (i == 0 ? 31 : 12));
    CHECK(box.occlusion == (i == 0 ? Occlusion::none : Occlusion::largely));
    CHECK(box.contains(scene.point(0)));
  }
}

TEST_CASE("classes, range, returns and view choose the boxes of nuScenes") {
  MadeNuScenes made;
  auto classes = [&](const NuScenesOptions& options, size_t sample) {
    std::vector<Scene> scenes = load_nuscenes(made.path(), options);
    std::string names;
    for (const Box& box : scenes.at(sample).boxes) names += std::string(name_of(box.object)).substr(0, 2);
    return names;
  };
  NuScenesOptions options;
  CHECK(classes(options, 0) == "cacy");
  CHECK(classes(options, 1) == "ca");
  options.riderless = true;
  CHECK(classes(options, 0) == "cacycy");
  options.evaluated = false;
  CHECK(classes(options, 0) == "cacycype");
  options.in_view = false;
  CHECK(classes(options, 1) == "cape");
}

TEST_CASE("scenes are chosen by name and pictures come from the camera asked for") {
  MadeNuScenes made;
  NuScenesOptions options;
  options.scenes = {"scene-0061"};
  CHECK(NuScenesSet(made.path(), options).size() == 2);
  options.scenes = nuscenes_mini_split("mini_val");
  CHECK_THROWS_AS(NuScenesSet(made.path(), options), ValueError);
  CHECK(nuscenes_mini_split("mini_train").size() == 8);
  CHECK_THROWS_AS(nuscenes_mini_split("val"), ValueError);
  CHECK_THROWS_AS(NuScenesSet(made.path()).scene(2), IndexError);
  options = {};
  options.camera = "CAM_BACK";
  CHECK_THROWS_WITH(NuScenesSet(made.path(), options), Contains("a key frame of CAM_BACK for sample sa"));
}

TEST_CASE("malformed nuScenes folders name table, row and field") {
  MadeNuScenes made;
  SECTION("a missing table") {
    for (const char* name : {"ego_pose", "category", "sample_annotation", "sensor"}) {
      made.write();
      std::filesystem::remove(made.path() / "v1.0-mini" / (std::string(name) + ".json"));
      CHECK_THROWS_WITH(load_nuscenes(made.path()), Contains(std::string(name) + ".json"));
      CHECK_THROWS_AS(load_nuscenes(made.path()), FileError);
    }
  }
  SECTION("no list of objects") {
    made.tables["sensor"] = json::object();
    made.check_error("sensor.json: expected a list of objects");
    made.tables["sensor"] = {1, 2};
    made.check_error("sensor.json row 0: expected an object");
    made.tables["sensor"] = "none";
    made.check_error("sensor.json: expected a list of objects");
  }
  SECTION("no JSON") {
    write_text(made.path() / "v1.0-mini/sample.json", "[{\"token\": ");
    CHECK_THROWS_WITH(load_nuscenes(made.path()), Contains("sample.json: not valid JSON"));
  }
  SECTION("tokens that lead nowhere") {
    made.tables["sample_data"][2]["calibrated_sensor_token"] = "zz";
    made.check_error(
        "sample_data.json row 2: calibrated_sensor_token: expected a token of calibrated_sensor.json, got \"zz\"");
  }
  SECTION("an ego pose that is not there") {
    made.tables["sample_data"][1]["ego_pose_token"] = "zz";
    made.check_error("sample_data.json row 1: ego_pose_token: expected a token of ego_pose.json, got \"zz\"");
  }
  SECTION("an instance that is not there") {
    made.tables["sample_annotation"][3]["instance_token"] = "zz";
    made.check_error("sample_annotation.json row 3: instance_token");
  }
  SECTION("an attribute that is not there") {
    made.tables["sample_annotation"][2]["attribute_tokens"] = {"zz"};
    made.check_error("sample_annotation.json row 2: attribute_tokens: expected tokens of attribute.json, got [\"zz\"]");
  }
  SECTION("a token twice") {
    made.tables["sample"][1]["token"] = "sa2";
    made.check_error("sample.json row 1: token: expected one that is not there yet");
  }
  SECTION("a field missing or of the wrong type") {
    made.tables["sample"][1].erase("timestamp");
    made.check_error("sample.json row 1: timestamp: expected a field of that name");
    made.tables["sample"][1]["timestamp"] = "now";
    made.check_error("sample.json row 1: timestamp: expected an integer, got \"now\"");
  }
  SECTION("numbers that make no sense") {
    made.tables["ego_pose"][0]["rotation"] = {1, 1, 0, 0};
    made.check_error("ego_pose.json row 0: rotation: expected a quaternion");
  }
  SECTION("a size of nothing") {
    made.tables["sample_annotation"][0]["size"] = {0, 1, 1};
    made.check_error("sample_annotation.json row 0: size");
  }
  SECTION("a camera without a matrix") {
    made.tables["calibrated_sensor"][1]["camera_intrinsic"] = json::array();
    made.check_error("calibrated_sensor.json row 1: camera_intrinsic: expected a camera matrix");
    made.tables["calibrated_sensor"][1]["camera_intrinsic"] = {{1, 2}, {3, 4}};
    made.check_error("calibrated_sensor.json row 1: camera_intrinsic: expected 3 lists of 3 numbers");
  }
  SECTION("a sample without a scan") {
    made.tables["sample_data"].erase(0);
    made.check_error("sample_data.json: expected a key frame of LIDAR_TOP for sample sa1");
  }
  SECTION("a cut scan") {
    write_text(made.path() / "samples/LIDAR_TOP/2.pcd.bin", std::string(39, 'x'));
    made.check_error("LIDAR_TOP/2.pcd.bin: expected whole points of 20 bytes");
  }
  SECTION("a point that is no number") {
    std::vector<float> rows(10, 1.0f);
    rows[6] = std::numeric_limits<float>::infinity();
    write_float_rows(made.path() / "samples/LIDAR_TOP/2.pcd.bin", rows);
    made.check_error("LIDAR_TOP/2.pcd.bin: point 1, value 1: expected a finite number");
  }
  SECTION("a picture of another size") {
    write_jpeg(made.path() / "samples/CAM_FRONT/1.jpg", Image(30, 20));
    made.check_error("samples/CAM_FRONT/1.jpg: expected 203 x 127 pixels, as sample_data.json row 1 says, got 30 x 20");
  }
  SECTION("a broken picture") {
    write_text(made.path() / "samples/CAM_FRONT/1.jpg", "no picture");
    made.check_error("CAM_FRONT/1.jpg");
  }
  SECTION("a picture that is missing") {
    std::filesystem::remove(made.path() / "samples/CAM_FRONT/1.jpg");
    CHECK_THROWS_AS(load_nuscenes(made.path()), FileError);
  }
}
