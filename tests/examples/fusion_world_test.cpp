#include <cmath>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/random.hpp>
#include <weft/examples/sensor_fusion/world/exact_math.hpp>
#include <weft/examples/sensor_fusion/world/layout.hpp>
#include <weft/examples/sensor_fusion/world/noise.hpp>
#include <weft/examples/sensor_fusion/world/solid.hpp>
#include <weft/examples/sensor_fusion/world/world.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;

namespace {

uint64_t fingerprint(const std::vector<Scene>& scenes) {
  uint64_t hash = 1469598103934665603u;
  auto add = [&](const void* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 1099511628211u;
  };
  for (const Scene& scene : scenes) {
    add(scene.points.data(), scene.points.size() * sizeof(float));
    add(scene.image.pixels.data(), scene.image.pixels.size());
    for (const Box& box : scene.boxes) add(&box.centre, sizeof box.centre);
  }
  return hash;
}

double contrast(const Image& image) {
  double sum = 0, squares = 0, count = static_cast<double>(image.pixels.size());
  for (uint8_t value : image.pixels) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  return std::sqrt(squares / count - sum / count * (sum / count));
}

double brightness(const Image& image) {
  double sum = 0;
  for (uint8_t value : image.pixels) sum += value;
  return sum / static_cast<double>(image.pixels.size());
}

WorldOptions only(Condition condition) {
  WorldOptions options;
  options.condition = condition;
  return options;
}

}  // namespace

TEST_CASE("the world's own sine, cosine and exponential agree with the library's") {
  for (double x = -7; x < 7; x += 0.0371) {
    world::SinCos own = world::sin_cos(x);
    CHECK(std::abs(own.sin - std::sin(x)) < 2e-15);
    CHECK(std::abs(own.cos - std::cos(x)) < 2e-15);
  }
  for (double x = -40; x <= 0; x += 0.173) CHECK(world::exp_of_negative(x) == Approx(std::exp(x)).epsilon(1e-13));
  CHECK(world::exp_of_negative(-1e9) == 0);
}

TEST_CASE("photons have the mean and variance of a Poisson law") {
  for (double mean : {0.3, 5.0, 29.0, 400.0}) {
    RandomSequence random({7, 3});
    double sum = 0, squares = 0;
    const int count = 20000;
    for (int i = 0; i < count; ++i) {
      double n = world::poisson_of(mean, random);
      sum += n;
      squares += n * n;
    }
    double average = sum / count;
    CHECK(average == Approx(mean).epsilon(0.03));
    CHECK(squares / count - average * average == Approx(mean).epsilon(0.06));
  }
}

TEST_CASE("rays enter boxes and cylinders where they should") {
  world::Solid box;
  box.length = 4;
  box.width = 2;
  box.height = 1.5;
  CHECK(world::enter(box, {-10, 0, 1}, {1, 0, 0}) == Approx(8));
  CHECK(world::enter(box, {0.3, 10, 1}, {0, -2, 0}) == Approx(4.5));
  CHECK(world::enter(box, {-10, 0, 2}, {1, 0, 0}) == world::no_hit);
  CHECK(world::enter(box, {-10, 1.01, 1}, {1, 0, 0}) == world::no_hit);
  CHECK(world::enter(box, {10, 0, 1}, {1, 0, 0}) == world::no_hit);  // behind
  CHECK(world::enter(box, {0, 0, 5}, {0, 0, -1}) == Approx(3.5));
  world::Solid post = box;
  post.shape = world::Solid::Shape::cylinder;
  post.length = 1;
  CHECK(world::enter(post, {-10, 0, 1}, {1, 0, 0}) == Approx(9.5));
  CHECK(world::enter(post, {-10, 0.3, 1}, {1, 0, 0}) == Approx(9.6));
  CHECK(world::enter(post, {-10, 0.51, 1}, {1, 0, 0}) == world::no_hit);
  CHECK(world::enter(post, {0, 0.4, 5}, {0, 0, -1}) == Approx(3.5));
  CHECK(world::enter(post, {0, 0.6, 5}, {0, 0, -1}) == world::no_hit);
  CHECK(world::surface_at(box, {2, 0.5, 1}).face == world::Face::front);
  CHECK(world::surface_at(box, {0.5, -1, 1}).face == world::Face::right);
  CHECK(world::surface_at(post, {0.3, 0.4, 1}).normal.y == Approx(0.8));
}

TEST_CASE("a scene is the same alone, in a batch, and at any number of threads", "[threads]") {
  int before = num_threads();
  set_num_threads(1);
  std::vector<Scene> one = make_scenes(11, 5);
  set_num_threads(3);
  std::vector<Scene> three = make_scenes(11, 5);
  set_num_threads(before);
  CHECK(fingerprint(one) == fingerprint(three));
  CHECK(fingerprint({one[7]}) == fingerprint({make_scene(5, 7)}));
  CHECK(fingerprint({one[7]}) == fingerprint(make_scenes(1, 5, {}, 7)));
  CHECK(fingerprint(one) != fingerprint(make_scenes(11, 6)));
  CHECK(one[7].id == "000007");
}

TEST_CASE("the world's bits are the same on every platform") {
  // A change of the world changes this number, and with it the numbers of every model trained on it.
  CHECK(fingerprint(make_scenes(40, 5)) == 0xffe55e462f4f8425u);
}

TEST_CASE("returns and pixels per class and range are those of the world's description") {
  WorldOptions options = only(Condition::clear);
  options.distractors = false;
  options.keep_hidden = true;
  double count[2][4] = {}, returns[2][4] = {}, pixels[2][4] = {}, none[2][4] = {};
  double objects = 0, cars = 0, people = 0;
  for (const Scene& scene : make_scenes(400, 11, options))
    for (const Box& box : scene.boxes) {
      ++objects;
      cars += box.object == ObjectClass::car;
      people += box.object == ObjectClass::pedestrian;
      if (box.object == ObjectClass::cyclist) continue;
      auto c = static_cast<size_t>(box.object);
      auto r = std::min<size_t>(3, static_cast<size_t>(box.range() / 8));
      ++count[c][r];
      returns[c][r] += static_cast<double>(box.lidar_points);
      pixels[c][r] += static_cast<double>(box.visible_pixels);
      none[c][r] += box.lidar_points == 0;
    }
  CHECK(objects / 400 == Approx(6.5).margin(0.3));
  CHECK(cars / objects == Approx(0.4).margin(0.03));
  CHECK(people / objects == Approx(0.35).margin(0.03));
  const double car[4] = {88, 44, 20, 10.5}, person[4] = {25, 10.6, 4.4, 2.1}, area[4] = {245, 58, 15, 6};
  const double missed[4] = {0.01, 0.06, 0.13, 0.23};
  for (size_t r = 0; r < 4; ++r) {
    CHECK(returns[0][r] / count[0][r] == Approx(car[r]).epsilon(0.12));
    CHECK(returns[1][r] / count[1][r] == Approx(person[r]).epsilon(0.12));
    CHECK(pixels[1][r] / count[1][r] == Approx(area[r]).epsilon(0.15));
    CHECK(none[1][r] / count[1][r] == Approx(missed[r]).margin(0.05));
  }
}

TEST_CASE("conditions are drawn with their shares") {
  std::array<int, 5> count{};
  for (uint64_t i = 0; i < 600; ++i) ++count[static_cast<size_t>(world::draw_layout(fold_in(23, i), {}).condition)];
  const double share[5] = {0.45, 0.2, 0.2, 0.075, 0.075};
  for (size_t i = 0; i < 5; ++i) CHECK(count[i] / 600.0 == Approx(share[i]).margin(0.06));
}

TEST_CASE("weather and faults change what the sensors see and not what is there") {
  Scene clear = make_scene(3, 17, only(Condition::clear));
  REQUIRE(clear.boxes.size() > 1);
  CHECK(clear.visibility == 0);
  for (Condition condition : {Condition::night, Condition::fog, Condition::camera_dead, Condition::lidar_dead}) {
    Scene other = make_scene(3, 17, only(condition));
    CHECK(other.boxes == clear.boxes);
    CHECK(other.camera == clear.camera);
    CHECK(other.condition == condition);
    if (condition == Condition::night) {
      CHECK(other.points == clear.points);
      CHECK(brightness(other.image) < 0.5 * brightness(clear.image));
      CHECK(other.ambient <= 0.1);
    }
    if (condition == Condition::fog) {
      CHECK(other.visibility >= 20);
      CHECK(other.visibility <= 60);
      CHECK(other.returns() < clear.returns());
      int64_t drops = 0;  // false returns in the air before the car
      for (int64_t i = 0; i < other.returns(); ++i) drops += length(other.point(i) - other.lidar_origin) < 8.2;
      CHECK(drops > 0);
    }
    if (condition == Condition::camera_dead) {
      CHECK(other.points == clear.points);
      CHECK(brightness(other.image) == 0);
    }
    if (condition == Condition::lidar_dead) {
      CHECK(other.returns() == 0);
      CHECK(other.image.pixels == clear.image.pixels);
    }
  }
}

TEST_CASE("fog takes contrast from the picture and far returns from the scan") {
  double far[2] = {}, near[2] = {}, seen[2] = {};
  for (size_t i = 0; i < 2; ++i)
    for (const Scene& scene : make_scenes(23, 3, only(i == 0 ? Condition::clear : Condition::fog))) {
      seen[i] += contrast(scene.image);
      if (i == 1) CHECK(brightness(scene.image) > 128);
      for (int64_t k = 0; k < scene.returns(); ++k) {
        double range = length(scene.point(k) - scene.lidar_origin);
        far[i] += range > 15;
        near[i] += range > 8.2 && range < 11;
      }
    }
  CHECK(seen[1] < 0.6 * seen[0]);
  CHECK(far[1] < 0.5 * far[0]);
  CHECK(near[1] > 0.7 * near[0]);
}

TEST_CASE("what stands before hides what is behind") {
  // Objects that others hide in part show fewer pixels than their picture has.
  WorldOptions options = only(Condition::clear);
  options.keep_hidden = true;
  int64_t hidden = 0, partly = 0;
  for (const Scene& scene : make_scenes(40, 19, options))
    for (const Box& box : scene.boxes) {
      if (box.occlusion == Occlusion::none) continue;
      hidden += box.visible_pixels == 0;
      partly += box.visible_pixels > 0;
      CHECK(box.range() > 4);
    }
  CHECK(hidden > 5);
  CHECK(partly > 20);
  CHECK(partly > hidden);
}

TEST_CASE("every listed object was seen, and returns lie on the object or the ground") {
  WorldOptions options = only(Condition::clear);
  options.distractors = false;
  for (Scene& scene : make_scenes(23, 31, options)) {
    for (const Box& box : scene.boxes) CHECK((box.lidar_points >= 1 || box.visible_pixels >= 4));
    WorldOptions all = options;
    all.keep_hidden = true;
    std::vector<Box> boxes = make_scene(31, std::stoll(scene.id), all).boxes;
    CHECK(boxes.size() >= scene.boxes.size());
    for (int64_t i = 0; i < scene.returns(); ++i) {
      Vec3 p = scene.point(i);
      bool explained = std::abs(p.z) < 0.03;
      for (const Box& box : boxes) explained = explained || box.contains(p, 0.08);
      CHECK(explained);
    }
  }
}

TEST_CASE("samples that show an object fill the rectangle its box projects to") {
  WorldOptions options = only(Condition::clear);
  options.distractors = false;
  int64_t compared = 0;
  for (int64_t index = 0; index < 40; ++index) {
    Scene scene = make_scene(77, index, options);
    for (const Box& box : scene.boxes) {
      if (box.occlusion != Occlusion::none || box.truncation > 0) continue;
      std::optional<Rectangle> r = visible_rectangle(scene.camera, box);
      REQUIRE(r);
      // A box fills between half and all of its rectangle.
      CHECK(static_cast<double>(box.visible_pixels) <= 1.1 * r->area() + 3);
      CHECK(static_cast<double>(box.visible_pixels) > 0.4 * r->area() - 2);
      ++compared;
    }
  }
  CHECK(compared > 50);
}

TEST_CASE("unknown yaw leaves the scene and tells the model another camera") {
  WorldOptions off = only(Condition::clear);
  off.unknown_yaw_degrees = 4;
  Scene straight = make_scene(9, 2, only(Condition::clear)), turned = make_scene(9, 2, off);
  CHECK(straight.camera == turned.camera);
  CHECK(straight.points == turned.points);
  CHECK(straight.image.pixels != turned.image.pixels);
}

TEST_CASE("more beams give more returns and options out of range are refused") {
  WorldOptions options = only(Condition::clear);
  int64_t four = make_scene(1, 1, options).returns();
  options.beam_degrees = {-1, -2, -3, -4, -5, -7, -9, -12};
  CHECK(make_scene(1, 1, options).returns() > four);
  options.azimuths = 0;
  CHECK_THROWS_AS(make_scene(1, 1, options), ValueError);
  options.azimuths = 90;
  options.beam_degrees = {90};
  CHECK_THROWS_AS(make_scene(1, 1, options), ValueError);
  CHECK_THROWS_AS(make_scenes(-1, 1), ValueError);
  CHECK(make_scenes(0, 1).empty());
}
