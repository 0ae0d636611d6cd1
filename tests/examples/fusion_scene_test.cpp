#include <cmath>
#include <numbers>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/sensor_fusion/scene.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;

namespace {

CameraModel forward_camera() {
  CameraModel camera;
  camera.width = 97;
  camera.height = 53;
  camera.fx = 61;
  camera.fy = 67;
  camera.cx = 47;
  camera.cy = 23;
  Mat3 axes{{0, -1, 0, 0, 0, -1, 1, 0, 0}};
  camera.camera_from_ego = {axes, -1.0 * (axes * Vec3{0.3, 0.1, 1.6})};
  return camera;
}

}  // namespace

TEST_CASE("a point ahead, to the left and below projects left and down of the centre") {
  CameraModel camera = forward_camera();
  Pixel ahead = camera.project({10.3, 0.1, 1.6});
  CHECK(ahead.u == Approx(47));
  CHECK(ahead.v == Approx(23));
  CHECK(ahead.depth == Approx(10));
  Pixel left = camera.project({10.3, 1.1, 0.6});
  CHECK(left.u == Approx(47 - 6.1));
  CHECK(left.v == Approx(23 + 6.7));
  CHECK_FALSE(camera.inside(camera.project({-5, 0, 1.6})));
  CHECK_FALSE(camera.inside(camera.project({1.3, 5, 1.6})));
  CHECK(camera.inside(ahead));
}

TEST_CASE("the ray of a projected point leads back through it") {
  CameraModel camera = forward_camera();
  camera.skew = 0.7;
  Vec3 point{7, -2, 0.4};
  Pixel pixel = camera.project(point);
  Ray ray = camera.ray(pixel.u, pixel.v);
  CHECK(length(ray.direction) == Approx(1));
  Vec3 way = point - ray.origin;
  Vec3 off = way - dot(way, ray.direction) * ray.direction;
  CHECK(length(off) < 1e-12);
  CHECK(dot(way, ray.direction) > 0);
}

TEST_CASE("a projection matrix of any scale gives its camera back") {
  CameraModel camera = forward_camera();
  double c = std::cos(0.31), s = std::sin(0.31);
  camera.camera_from_ego = Pose{{{c, 0, s, 0, 1, 0, -s, 0, c}}, {0.2, -0.4, 0.7}} * camera.camera_from_ego;
  auto p = camera.projection();
  for (double& value : p) value *= 3;
  CameraModel back = CameraModel::from_projection(p, 97, 53);
  CHECK(back.fx == Approx(camera.fx));
  CHECK(back.cy == Approx(camera.cy));
  CHECK(std::abs(back.skew) < 1e-9);
  for (Vec3 point : {Vec3{9, 2, 1}, Vec3{20, -3, 0}}) {
    CHECK(back.project(point).u == Approx(camera.project(point).u));
    CHECK(back.project(point).depth == Approx(camera.project(point).depth));
  }
  CHECK_THROWS_AS(CameraModel::from_projection({}, 97, 53), ValueError);
  for (size_t i = 0; i < 4; ++i) p[i] = -p[i];
  CHECK_THROWS_AS(CameraModel::from_projection(p, 97, 53), ValueError);
}

TEST_CASE("corners start at the front left and a box holds its corners and no more") {
  Box box;
  box.centre = {10, 3, 1};
  box.length = 4;
  box.width = 2;
  box.height = 1.5;
  box.yaw = std::numbers::pi / 2;  // faces left
  auto corners = box.corners();
  CHECK(corners[0].x == Approx(9));
  CHECK(corners[0].y == Approx(5));
  CHECK(corners[0].z == Approx(0.25));
  CHECK(corners[6].x == Approx(11));
  CHECK(corners[6].y == Approx(1));
  CHECK(corners[6].z == Approx(1.75));
  for (const Vec3& corner : corners) CHECK(box.contains(corner, 1e-9));
  CHECK_FALSE(box.contains({10, 5.01, 1}));
  CHECK(box.contains({10, 5.01, 1}, 0.02));
  CHECK_FALSE(box.contains({11.1, 3, 1}));
}

TEST_CASE("a box beside the camera has a rectangle that ends at the near plane") {
  CameraModel camera = forward_camera();
  Box box;
  box.centre = {0.3, 2, 1};
  box.length = 4;
  box.width = 2;
  box.height = 1.5;
  REQUIRE(rectangle_of(camera, box));
  CHECK(rectangle_of(camera, box)->left < -100);
  REQUIRE(visible_rectangle(camera, box));  // its front end is within the field of view
  CHECK(visible_rectangle(camera, box)->left == -0.5);
  box.centre.x = -8;
  CHECK_FALSE(rectangle_of(camera, box));
  box.centre = {10, -40, 1};
  CHECK(rectangle_of(camera, box));
  CHECK_FALSE(visible_rectangle(camera, box));
}

TEST_CASE("angles wrap to half a turn either way") {
  CHECK(wrap_angle(std::numbers::pi) == Approx(-std::numbers::pi));
  CHECK(wrap_angle(-std::numbers::pi) == Approx(-std::numbers::pi));
  CHECK(wrap_angle(7) == Approx(7 - 2 * std::numbers::pi));
  CHECK(wrap_angle(-9.5) == Approx(-9.5 + 4 * std::numbers::pi));
}

TEST_CASE("a resized picture keeps means and its camera keeps pointing at the same places") {
  Scene scene;
  scene.camera = forward_camera();
  scene.camera.width = 6;
  scene.camera.height = 4;
  scene.camera.cx = 2;
  scene.camera.cy = 1;
  scene.image = Image(6, 4, {0, 0, 0});
  for (int64_t y = 0; y < 4; ++y)
    for (int64_t x = 0; x < 2; ++x) scene.image.set(x, y, {200, 100, 40});
  resize_picture(scene, 3, 2);
  CHECK(scene.image.width == 3);
  CHECK(scene.image.at(0, 1) == Rgb{200, 100, 40});
  CHECK(scene.image.at(1, 0) == Rgb{0, 0, 0});
  // The old optical axis went through the middle of pixel 2, a quarter pixel left of the new pixel 1's middle.
  CHECK(scene.camera.cx == Approx(0.75));
  CHECK(scene.camera.fx == Approx(30.5));
  resize_picture(scene, 4, 2);
  CHECK(scene.image.at(0, 0) == Rgb{200, 100, 40});
  CHECK(scene.image.at(1, 0).red > 60);
  CHECK(scene.image.at(1, 0).red < 140);
  CHECK_THROWS_AS(resize_picture(scene, 0, 2), ValueError);
}

TEST_CASE("points are counted in every box that holds them") {
  Scene scene;
  Box box;
  box.centre = {10, 0, 1};
  box.length = box.width = box.height = 2;
  scene.boxes = {box, box};
  scene.boxes[1].centre.y = 1.5;
  scene.points = {10, 0.8f, 1, 0.5f, 10, -0.8f, 1.2f, 0.5f, 10, 0, 3, 0.5f};
  count_lidar_points(scene);
  CHECK(scene.boxes[0].lidar_points == 2);
  CHECK(scene.boxes[1].lidar_points == 1);
}
