#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include <weft/examples/sensor_fusion/batch.hpp>
#include <weft/examples/sensor_fusion/world/world.hpp>
#include <weft/weft.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;

namespace {

Scene one_scene(Condition condition = Condition::clear) { return make_scene(11, 5, {.condition = condition}); }

float feature(const std::vector<float>& features, int64_t row, int64_t column, int64_t k) {
  return features[static_cast<size_t>((row * BevGrid::columns + column) * pillar_features + k)];
}

}  // namespace

TEST_CASE("the grid tells cells and places", "[fusion]") {
  BevGrid grid;
  CHECK(grid.cell_of(0, -16) == 0);
  CHECK(grid.cell_of(31.99, 15.99) == BevGrid::cells - 1);
  CHECK(grid.cell_of(3.5, 0.5) == 3 * 32 + 16);
  CHECK_FALSE(grid.cell_of(-0.01, 0));
  CHECK_FALSE(grid.cell_of(32, 0));
  CHECK_FALSE(grid.cell_of(5, 16));
  CHECK_FALSE(grid.cell_of(NAN, 0));
  BevGrid wide{48};
  CHECK(wide.cell() == 1.5);
  BevGrid::Place place = wide.place_of(7.25, -3.5);
  CHECK(wide.x_at(place.row) == Approx(7.25));
  CHECK(wide.y_at(place.column) == Approx(-3.5));
}

TEST_CASE("pillars hold what the returns of a cell say", "[fusion]") {
  Scene scene;
  scene.points = {2.25f, 0.5f, 1.0f, 0.2f, 2.75f, 0.75f, 0.5f, 0.6f, 40, 0, 1, 1, 2, -20, 0, 0};
  std::vector<float> features = pillars(scene, BevGrid{});
  CHECK(feature(features, 2, 16, 0) == Approx(2.0 / 6));
  CHECK(feature(features, 2, 16, 1) == Approx(0.5));    // highest, in units of 2 m
  CHECK(feature(features, 2, 16, 2) == Approx(0.25));   // lowest
  CHECK(feature(features, 2, 16, 3) == Approx(0.375));  // mean
  CHECK(feature(features, 2, 16, 4) == Approx(0.4));
  CHECK(feature(features, 2, 16, 5) == Approx(0.0).margin(1e-6));
  CHECK(feature(features, 2, 16, 6) == Approx(0.125));
  double rest = 0;
  for (float value : features) rest += std::abs(static_cast<double>(value));
  for (int64_t k = 0; k < pillar_features; ++k) rest -= std::abs(static_cast<double>(feature(features, 2, 16, k)));
  CHECK(rest == Approx(0.0).margin(1e-6));  // returns outside the grid count nowhere
}

TEST_CASE("a cell's code agrees best with the rays that look at it", "[fusion]") {
  Scene scene = one_scene();
  std::vector<float> rays = ray_codes(scene.camera), places = place_codes(scene.camera, BevGrid{}),
                     samples = sample_places(scene.camera, BevGrid{});
  int64_t columns = scene.camera.width / token_stride, rows = scene.camera.height / token_stride, looked = 0;
  for (int64_t query = 0; query < BevGrid::queries; ++query) {
    double column = static_cast<double>(samples[static_cast<size_t>(query * sample_heights * 2)]);
    double row = static_cast<double>(samples[static_cast<size_t>(query * sample_heights * 2 + 1)]);
    if (column < 0 || column > static_cast<double>(columns - 1) || row < 0 || row > static_cast<double>(rows - 1))
      continue;
    int64_t best = 0;
    double most = -1e9;
    for (int64_t token = 0; token < rows * columns; ++token) {
      double agreement = 0;  // azimuth, and elevation at the lowest height
      for (int64_t k = 0; k < direction_features; ++k)
        agreement += static_cast<double>(rays[static_cast<size_t>(token * direction_features + k)]) *
                     static_cast<double>(places[static_cast<size_t>(query * place_features + k)]);
      if (agreement > most) {
        most = agreement;
        best = token;
      }
    }
    ++looked;
    CHECK(std::abs(static_cast<double>(best % columns) - column) <= 0.75);
    CHECK(std::abs(static_cast<double>(best / columns) - row) <= 0.75);
  }
  CHECK(looked > 100);
}

TEST_CASE("a mirrored scene is seen by a mirrored camera", "[fusion]") {
  Scene scene = one_scene(), turned = scene;
  mirror(turned);
  REQUIRE(!scene.boxes.empty());
  for (size_t i = 0; i < scene.boxes.size(); ++i) {
    CHECK(turned.boxes[i].centre.y == -scene.boxes[i].centre.y);
    Pixel before = scene.camera.project(scene.boxes[i].centre), after = turned.camera.project(turned.boxes[i].centre);
    CHECK(after.u == Approx(static_cast<double>(scene.camera.width - 1) - before.u));
    CHECK(after.v == Approx(before.v));
    CHECK(after.depth == Approx(before.depth));
  }
  mirror(turned);
  CHECK(turned.points == scene.points);
  CHECK(turned.image.pixels == scene.image.pixels);
}

TEST_CASE("modality dropout takes one sensor, and never the last", "[fusion]") {
  SampleOptions options{.drop_camera = 0.4, .drop_lidar = 0.4};
  int64_t without_camera = 0, without_lidar = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    RandomSequence random{RandomKey{i}};
    FusionSample sample = make_sample(one_scene(), options, random);
    bool camera = false;
    for (uint8_t value : sample.scene.image.pixels) camera = camera || value != 0;
    bool lidar = sample.scene.returns() > 0;
    CHECK((camera || lidar));
    without_camera += !camera;
    without_lidar += !lidar;
    RandomSequence again{RandomKey{i}};
    CHECK(make_sample(one_scene(Condition::lidar_dead), options, again).scene.image.pixels !=
          std::vector<uint8_t>(sample.scene.image.pixels.size()));
  }
  CHECK(without_camera > 10);
  CHECK(without_lidar > 10);
}

TEST_CASE("a training scene may come with the picture of another one, but keeps one sensor to be told by", "[fusion]") {
  std::vector<Scene> scenes = make_scenes(3, 8, {.condition = Condition::clear});
  kill_lidar(scenes[2]);
  SceneSet set(scenes, {.drop_lidar = 1, .other_picture = 1});
  int64_t others = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    RandomSequence random{RandomKey{i}}, again{RandomKey{i}};
    Scene scene = set.get(0, random).scene;
    CHECK(scene.points == scenes[0].points);
    CHECK(scene.boxes == scenes[0].boxes);
    others += scene.image.pixels != scenes[0].image.pixels;
    CHECK(set.get(2, again).scene.image.pixels == scenes[2].image.pixels);
  }
  CHECK(others > 5);
  CHECK(others < 20);  // "another" is drawn among all
}
