#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/random.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/examples/sensor_fusion/kitti.hpp>
#include <weft/examples/sensor_fusion/point_file.hpp>
#include <weft/examples/sensor_fusion/world/camera.hpp>
#include <weft/examples/sensor_fusion/world/world.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;
using Catch::Matchers::Contains;
using test::read_text;
using test::TemporaryFolder;
using test::write_text;

namespace {

// Frame 000000 of KITTI's training set.
const std::string real_calibration =
    "P0: 7.215377e+02 0 6.095593e+02 0 0 7.215377e+02 1.728540e+02 0 0 0 1 0\n"
    "P2: 7.215377000000e+02 0.000000000000e+00 6.095593000000e+02 4.485728000000e+01 0.000000000000e+00 "
    "7.215377000000e+02 1.728540000000e+02 2.163791000000e-01 0.000000000000e+00 0.000000000000e+00 "
    "1.000000000000e+00 2.745884000000e-03\n"
    "R0_rect: 9.999239000000e-01 9.837760000000e-03 -7.445048000000e-03 -9.869795000000e-03 9.999421000000e-01 "
    "-4.278459000000e-03 7.402527000000e-03 4.351614000000e-03 9.999631000000e-01\n"
    "Tr_velo_to_cam: 7.533745000000e-03 -9.999714000000e-01 -6.166020000000e-04 -4.069766000000e-03 "
    "1.480249000000e-02 7.280733000000e-04 -9.998902000000e-01 -7.631618000000e-02 9.998621000000e-01 "
    "7.523790000000e-03 1.480755000000e-02 -2.717806000000e-01\n"
    "Tr_imu_to_velo:\n\n";

std::string changed(std::string text, const std::string& what, const std::string& with) {
  size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

/// The simulator's scenes as a KITTI folder.
struct WrittenSet : TemporaryFolder {
  std::vector<Scene> scenes = make_scenes(7, 13);
  WrittenSet() { write_kitti(path(), scenes); }
  std::filesystem::path file(const char* folder, const char* name) const { return path() / "training" / folder / name; }
  void check_error(const std::string& text) const {
    CHECK_THROWS_WITH(load_kitti(path()), Contains(text));
    CHECK_THROWS_AS(load_kitti(path()), FormatError);
  }
};

}  // namespace

TEST_CASE("scenes written as KITTI come back") {
  WrittenSet set;
  std::vector<Scene> back = load_kitti(set.path());
  REQUIRE(back.size() == set.scenes.size());
  int64_t boxes = 0;
  for (size_t i = 0; i < back.size(); ++i) {
    const Scene &a = set.scenes[i], &b = back[i];
    CHECK(a.id == b.id);
    CHECK(a.points == b.points);  // to the bit
    CHECK(a.image.pixels == b.image.pixels);
    CHECK(a.condition == b.condition);
    CHECK(a.visibility == b.visibility);
    CHECK(a.ambient == b.ambient);
    CHECK(b.lidar_origin == a.lidar_origin);
    CHECK(a.camera.width == b.camera.width);
    auto p = a.camera.projection(), q = b.camera.projection();
    for (size_t k = 0; k < 12; ++k) CHECK(p[k] == Approx(q[k]).margin(1e-6));
    CHECK(std::abs(a.camera.fx - b.camera.fx) < 1e-6);
    CHECK(std::abs(b.camera.skew) < 1e-6);
    CHECK(length(a.camera.centre() - b.camera.centre()) < 1e-6);
    REQUIRE(a.boxes.size() == b.boxes.size());
    for (size_t k = 0; k < a.boxes.size(); ++k, ++boxes) {
      const Box &x = a.boxes[k], &y = b.boxes[k];
      CHECK(x.object == y.object);
      CHECK(x.lidar_points == y.lidar_points);
      CHECK(x.visible_pixels == y.visible_pixels);
      CHECK(x.occlusion == y.occlusion);
      CHECK(std::abs(x.truncation - y.truncation) < 0.0051);
      auto c = x.corners(), d = y.corners();
      for (size_t j = 0; j < 8; ++j) CHECK(length(c[j] - d[j]) < 1e-6);
    }
  }
  CHECK(boxes > 20);
}

TEST_CASE("a box read from KITTI files projects to the pixels that show the object") {
  WorldOptions options;
  options.distractors = false;
  options.keep_hidden = true;
  std::vector<Scene> scenes = make_scenes(23, 41, options);
  TemporaryFolder folder;
  write_kitti(folder.path(), scenes);
  std::vector<Scene> back = load_kitti(folder.path());
  int compared = 0;
  for (size_t i = 0; i < scenes.size(); ++i) {
    world::Layout layout = world::draw_layout(fold_in(41, i), options);
    world::Visibility seen = world::look(layout);
    for (size_t k = 0; k < back[i].boxes.size(); ++k) {
      if (seen.seen[k] < seen.whole[k] || seen.truncation[k] > 0) continue;
      Rectangle shown{1e9, 1e9, -1e9, -1e9};
      for (int64_t row = 0; row < seen.rows; ++row)
        for (int64_t column = 0; column < seen.columns; ++column) {
          if (seen.solid[static_cast<size_t>(row * seen.columns + column)] != static_cast<int16_t>(k)) continue;
          double u = static_cast<double>(column) / 2 - 0.25, v = static_cast<double>(row) / 2 - 0.25;
          shown = {std::min(shown.left, u), std::min(shown.top, v), std::max(shown.right, u),
                   std::max(shown.bottom, v)};
        }
      std::optional<Rectangle> expected = visible_rectangle(back[i].camera, back[i].boxes[k]);
      REQUIRE(expected);
      // Corners are sharp, so a thin tip may fall between samples, which are half a pixel apart.
      CHECK(std::abs(shown.left - expected->left) <= 0.5);
      CHECK(std::abs(shown.right - expected->right) <= 0.5);
      CHECK(std::abs(shown.top - expected->top) <= 0.75);
      CHECK(std::abs(shown.bottom - expected->bottom) <= 0.75);
      Pixel centre = back[i].camera.project(back[i].boxes[k].centre);
      auto at = [&](double pixel) { return static_cast<int64_t>(std::lround(2 * (pixel + 0.25))); };
      CHECK(seen.solid[static_cast<size_t>(at(centre.v) * seen.columns + at(centre.u))] == static_cast<int16_t>(k));
      ++compared;
    }
  }
  CHECK(compared > 30);
}

TEST_CASE("plain KITTI without facts loads as clear with returns counted") {
  WrittenSet set;
  std::filesystem::remove_all(set.path() / "training" / "facts");
  std::vector<Scene> back = load_kitti(set.path());
  const Scene& scene = back.front();
  CHECK(scene.condition == Condition::clear);
  CHECK(scene.lidar_origin.z == Approx(kitti_lidar_height).margin(2e-4));
  REQUIRE(!scene.boxes.empty());
  CHECK(scene.boxes.front().visible_pixels == -1);
  CHECK(scene.boxes.front().lidar_points >= 0);
  // The velodyne was 1.8 m up, so all of the scene now lies 0.07 m lower, and still projects alike.
  const Box &a = set.scenes.front().boxes.front(), &b = scene.boxes.front();
  CHECK(b.centre.z == Approx(a.centre.z - 0.07).margin(1e-3));
  CHECK(scene.camera.project(b.centre).v == Approx(set.scenes.front().camera.project(a.centre).v));
}

TEST_CASE("lists in ImageSets choose frames and testing has no boxes") {
  WrittenSet set;
  write_text(set.path() / "ImageSets" / "val.txt", "000005\r\n000002\n");
  KittiSet val(set.path(), "val");
  REQUIRE(val.size() == 2);
  CHECK(val.scene(0).points == set.scenes[5].points);
  CHECK(val.frame(1) == "000002");
  CHECK_THROWS_AS(val.scene(2), IndexError);
  CHECK_THROWS_AS(KittiSet(set.path(), "testing"), FileError);
  CHECK_THROWS_AS(KittiSet(set.path(), "train"), FileError);
  write_text(set.path() / "ImageSets" / "train.txt", "12 13\n");
  CHECK_THROWS_WITH(KittiSet(set.path(), "train"), Contains("ImageSets/train.txt line 1"));
  write_text(set.path() / "ImageSets" / "train.txt", "\n");
  CHECK_THROWS_AS(KittiSet(set.path(), "train"), FormatError);
  write_kitti(set.path(), {set.scenes[3]}, "testing");
  std::filesystem::remove_all(set.path() / "testing" / "label_2");
  std::filesystem::remove_all(set.path() / "testing" / "facts");
  CHECK(load_kitti(set.path(), "testing").at(0).boxes.empty());
}

TEST_CASE("the calibration of a real frame projects as the formula says") {
  KittiCalibration calibration = parse_kitti_calibration(real_calibration, "calib/000000.txt");
  CameraModel camera = calibration.camera(1242, 375);
  CHECK(camera.fx == Approx(721.5377).epsilon(1e-5));
  CHECK(camera.cx == Approx(609.5593).epsilon(1e-4));
  Vec3 point{20, 3, -1};
  Vec3 x = calibration.rect_from_velodyne() * point;
  double w = x.z + 2.745884e-03;
  Pixel pixel = camera.project(point);
  CHECK(pixel.u == Approx((721.5377 * x.x + 609.5593 * x.z + 44.85728) / w));
  CHECK(pixel.v == Approx((721.5377 * x.y + 172.854 * x.z + 0.2163791) / w));
  CHECK(pixel.depth == Approx(w));
}

TEST_CASE("the rectified frame of a turned camera is level and looks where the camera does") {
  CameraModel camera = parse_kitti_calibration(real_calibration, "c").camera(1242, 375);
  double c = std::cos(0.4), s = std::sin(0.4);
  camera.camera_from_ego = camera.camera_from_ego * Pose{{{c, s, 0, -s, c, 0, 0, 0, 1}}, {}};
  KittiCalibration calibration = kitti_calibration_of(camera, 1.7);
  Vec3 ahead = camera.camera_from_ego.rotation.transposed() * Vec3{0, 0, 1};
  Vec3 rect = calibration.rect_from_velodyne().rotation * ahead;
  CHECK(std::abs(rect.x) < 1e-12);
  CHECK(rect.z > 0.99);
  CHECK(length(calibration.rect_from_velodyne().rotation * Vec3{0, 0, -1} - Vec3{0, 1, 0}) < 1e-12);
  Vec3 point{15, 9, 1};
  CHECK(calibration.camera(1242, 375).project(point - Vec3{0, 0, 1.7}).u == Approx(camera.project(point).u));
  camera.camera_from_ego.rotation = {{1, 0, 0, 0, 1, 0, 0, 0, 1}};
  CHECK_THROWS_AS(kitti_calibration_of(camera, 1.7), ValueError);
}

TEST_CASE("names of the tracking and raw sets are taken, and extra or empty lines are not looked at") {
  std::string text = changed(real_calibration, "R0_rect:", "R_rect");
  text = changed(text, "Tr_velo_to_cam:", "Tr_velo_cam");
  KittiCalibration a = parse_kitti_calibration(text, "a"), b = parse_kitti_calibration(real_calibration, "b");
  CHECK(a.p2 == b.p2);
  CHECK(a.rect_from_reference == b.rect_from_reference);
  CHECK(a.reference_from_velodyne == b.reference_from_velodyne);
  text = changed(text, "P2:", "P_rect_02:");
  CHECK(parse_kitti_calibration(changed(text, "R_rect", "R_rect_00:"), "c").p2 == b.p2);
}

TEST_CASE("a malformed calibration names file and matrix") {
  auto fails = [](const std::string& text, const std::string& with) {
    CHECK_THROWS_WITH(parse_kitti_calibration(text, "calib/000003.txt"),
                      Contains("calib/000003.txt") && Contains(with));
    CHECK_THROWS_AS(parse_kitti_calibration(text, "calib/000003.txt"), FormatError);
  };
  fails(changed(real_calibration, "P2", "P5"), "P2: expected a line of that name");
  fails(changed(real_calibration, "R0_rect", "R1"), "R0_rect");
  fails(changed(real_calibration, "Tr_velo_to_cam", "Tr"), "Tr_velo_to_cam");
  fails(changed(real_calibration, "-2.717806000000e-01", ""), "expected 12 numbers, got 11");
  fails(changed(real_calibration, "-2.717806000000e-01", "nan"), "finite number, got nan");
  fails(changed(real_calibration, "-2.717806000000e-01", "-2.7x"), "got -2.7x");
  fails(changed(real_calibration, "-9.998902000000e-01", "0.3"), "Tr_velo_to_cam: expected a rotation");
  fails(changed(real_calibration, "9.999421000000e-01", "-1"), "R0_rect: expected a rotation");
  fails(changed(real_calibration, "7.215377000000e+02 0.000000000000e+00 6", "0 0 6"), "P2");
}

TEST_CASE("a label row of the real set becomes a box and the same row again") {
  const std::string row =
      "Car 0.00 1 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57\n"
      "DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10\n";
  std::vector<KittiLabel> labels = parse_kitti_labels(row, "label_2/000001.txt");
  REQUIRE(labels.size() == 2);
  CHECK(labels[1].dont_care());
  KittiCalibration calibration = parse_kitti_calibration(real_calibration, "c");
  Pose to_rect = calibration.rect_from_velodyne();
  CHECK_FALSE(box_of(labels[1], to_rect));
  std::optional<Box> box = box_of(labels[0], to_rect);
  REQUIRE(box);
  CHECK(box->object == ObjectClass::car);
  CHECK(box->centre.x == Approx(58.49 + 0.27).margin(0.3));  // ahead
  CHECK(box->centre.y == Approx(16.53).margin(1));           // to the left
  CHECK(std::abs(wrap_angle(box->yaw - 3.14)) < 0.05);       // towards us: rotation_y = pi / 2 faces the camera
  CHECK(box->occlusion == Occlusion::partly);
  KittiLabel again = label_of(*box, calibration.camera(1242, 375), to_rect);
  CHECK(length(again.bottom - labels[0].bottom) < 1e-5);
  CHECK(again.rotation_y == Approx(1.57).margin(1e-3));
  CHECK(again.alpha == Approx(1.85).margin(0.01));
  CHECK(again.bbox.left == Approx(387.63).margin(3));
  CHECK(again.bbox.bottom == Approx(203.12).margin(3));
}

TEST_CASE("result files carry scores in the frames of the calibration given") {
  TemporaryFolder folder;
  Scene scene = make_scene(2, 3);
  REQUIRE(!scene.boxes.empty());
  std::vector<Box> detections = scene.boxes;
  detections[0].score = 0.8125;
  write_kitti_results(folder / "data/000003.txt", detections, scene,
                      kitti_calibration_of(scene.camera, scene.lidar_origin.z));
  std::vector<KittiLabel> rows = read_kitti_labels(folder / "data/000003.txt");
  REQUIRE(rows.size() == detections.size());
  CHECK(rows[0].score == 0.8125);
  CHECK(rows[0].bbox.right <= 127);
}

TEST_CASE("malformed label rows name file, line and column") {
  const std::string good = "Car 0.00 0 1.5 10 10 20 20 1.5 1.6 4.0 1 1.7 20 1.57\n";
  auto fails = [&](const std::string& row, const std::string& with) {
    CHECK_THROWS_WITH(parse_kitti_labels(good + row, "label_2/000003.txt"),
                      Contains("label_2/000003.txt line 2") && Contains(with));
  };
  fails("Car 0.00 0 1.5\n", "15 columns");
  fails("Lorry" + good.substr(3), "type");
  fails(changed(good, "0.00", "1.2"), "truncated: expected -1 to 1, got 1.2");
  fails(changed(good, "0.00", "-0.5"), "truncated");
  fails(changed(good, "0.00 0", "0.00 4"), "occluded");
  fails(changed(good, "0.00 0", "0.00 0.5"), "occluded: expected an integer");
  fails(changed(good, "1.5 10 10", "1.5 30 10"), "bbox right");
  fails(changed(good, "20 20", "20 5"), "bbox bottom");
  fails(changed(good, "1.6 4.0", "0 4.0"), "width: expected more than 0");
  fails(changed(good, "1.7 20", "1.7 nan"), "location z: expected a finite number, got nan");
  fails(changed(good, "1.57", "31.4"), "rotation_y: expected -10 to 10");
  fails(changed(good, "1.57", "1.57 high"), "score");
  CHECK(parse_kitti_labels("", "x").empty());
}

TEST_CASE("malformed sets name the file at fault") {
  SECTION("missing files") {
    WrittenSet set;
    std::filesystem::remove(set.file("calib", "000003.txt"));
    CHECK_THROWS_WITH(load_kitti(set.path()), Contains("000003.txt"));
    CHECK_THROWS_AS(load_kitti(set.path()), FileError);
    CHECK_THROWS_AS(load_kitti(set / "nowhere"), FileError);
  }
  SECTION("a label file missing where others are") {
    WrittenSet set;
    std::filesystem::remove(set.file("label_2", "000003.txt"));
    CHECK_THROWS_AS(load_kitti(set.path()), FileError);
  }
  SECTION("a cut point cloud") {
    WrittenSet set;
    write_text(set.file("velodyne", "000003.bin"), std::string(16 * 5 + 7, 'x'));
    set.check_error("velodyne/000003.bin: expected whole points of 16 bytes, got 87 bytes, which end within point 5");
  }
  SECTION("a point that is no number") {
    WrittenSet set;
    std::vector<float> points(12, 1.0f);
    points[9] = std::numeric_limits<float>::quiet_NaN();
    write_float_rows(set.file("velodyne", "000003.bin"), points);
    set.check_error("velodyne/000003.bin: point 2, value 1: expected a finite number, got nan");
  }
  SECTION("a picture of another size") {
    WrittenSet set;
    write_png(set.file("image_2", "000003.png"), Image(31, 17));
    std::filesystem::remove(set.file("facts", "000003.json"));
    set.check_error("image_2/000003.png: expected a picture that holds");
    write_png(set.file("image_2", "000003.png"), Image(127, 48));
    write_kitti(set.path() / "whole", set.scenes);
    std::filesystem::copy(set.path() / "whole/training/facts/000003.json", set.file("facts", "000003.json"));
    set.check_error("facts/000003.json: picture: expected the picture's size 127 x 48, got [128,48]");
  }
  SECTION("a broken picture") {
    WrittenSet set;
    write_text(set.file("image_2", "000003.png"), "no picture");
    set.check_error("000003.png");
  }
  SECTION("facts that do not fit") {
    WrittenSet set;
    auto facts = set.file("facts", "000003.json");
    std::string good = read_text(facts);
    write_text(facts, "{");
    set.check_error("facts/000003.json: not valid JSON");
    write_text(facts, changed(good, "\"ambient\": ", "\"ambient\": \"dim\", \"was\": "));
    set.check_error("facts/000003.json: ambient: expected a number");
    write_text(facts, "{\"condition\": \"rain\"}");
    set.check_error("facts/000003.json: condition: expected clear, night");
    write_text(facts, "{\"boxes\": [{}]}");
    if (set.scenes[3].boxes.size() != 1) set.check_error("facts/000003.json: boxes: expected a list of");
    write_text(facts, "[]");
    set.check_error("facts/000003.json: expected an object");
  }
  SECTION("a label whose size is not known") {
    WrittenSet set;
    write_text(set.file("label_2", "000003.txt"), "Car 0 0 1.5 10 10 20 20 -1 -1 -1 1 1.7 20 1.57\n");
    set.check_error("label_2/000003.txt: dimensions");
  }
}

TEST_CASE("a frame of real size loads") {
  TemporaryFolder folder;
  std::vector<float> points;
  for (int i = 0; i < 120000; ++i)
    points.insert(points.end(),
                  {static_cast<float>(i % 400) * 0.1f, static_cast<float>(i % 77) * 0.2f - 7, -1.7f, 0.3f});
  auto root = folder.path() / "training";
  write_float_rows(root / "velodyne/000001.bin", points);
  std::filesystem::create_directories(root / "image_2");
  write_png(root / "image_2/000001.png", Image(1242, 375));
  write_text(root / "calib/000001.txt", real_calibration);
  write_text(root / "label_2/000001.txt",
             "Car 0.00 1 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -1.53 2.39 20.49 1.57\n"
             "Van 0.00 1 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57\n");
  KittiSet set(folder.path(), "training");
  Scene scene = set.scene(0);
  CHECK(scene.returns() == 120000);
  CHECK(scene.image.width == 1242);
  REQUIRE(scene.boxes.size() == 1);  // the van is nobody's class
  CHECK(set.labels(0).size() == 2);
  CHECK(scene.boxes[0].lidar_points > 0);
  resize_picture(scene, 128, 48);
  CHECK(scene.camera.cx == Approx(609.56 * 128 / 1242).margin(0.6));
}

TEST_CASE("scenes of the same number are refused") {
  TemporaryFolder folder;
  CHECK_THROWS_AS(write_kitti(folder.path(), {make_scene(1, 1), make_scene(2, 1)}), ValueError);
}
