#include <weft/examples/sensor_fusion/world/layout.hpp>

#include <algorithm>
#include <cmath>

#include <weft/examples/sensor_fusion/world/exact_math.hpp>

namespace weft::examples::fusion::world {
namespace {

// One stream of random numbers per part, so that a draw more in one shifts no other.
enum Stream : uint32_t { objects_stream, surroundings_stream, camera_stream, condition_stream };

struct Size {
  double length, width, height;
};
constexpr Size size_of(Paint paint) {
  switch (paint) {
    case Paint::car:
    case Paint::crate: return {4.2, 1.8, 1.5};
    case Paint::pedestrian:
    case Paint::post: return {0.6, 0.6, 1.75};
    case Paint::cyclist: return {1.8, 0.6, 1.75};
    case Paint::poster: return {0.06, 1.2, 1.85};
  }
  return {1, 1, 1};
}

double between(RandomSequence& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random.uniform());
}

/// Places a solid of that paint where it touches no other; false when no place was found.
bool place(Paint paint, RandomSequence& random, std::vector<Solid>& solids, double& yaw) {
  Solid solid;
  Size size = size_of(paint);
  solid.length = size.length * (paint == Paint::poster ? 1 : between(random, 0.85, 1.15));
  solid.width = size.width * between(random, 0.85, 1.15);
  solid.height = size.height * (paint == Paint::poster ? 1 : between(random, 0.85, 1.15));
  if (paint == Paint::post) solid.shape = Solid::Shape::cylinder;
  solid.look = draw_look(paint, random);
  solid.reflectivity = between(random, 0.1, 0.9);
  for (int attempt = 0; attempt < 50; ++attempt) {
    solid.x = between(random, 4, 32);
    double reach = std::min(16.0, 0.9 * solid.x);
    solid.y = between(random, -reach, reach);
    yaw = between(random, -pi, pi);
    SinCos turn = sin_cos(yaw);
    if (paint == Paint::poster) {  // it shows its painting to the camera, up to 45 degrees turned away
      turn = sin_cos(yaw / 4);
      double r = std::sqrt(solid.x * solid.x + solid.y * solid.y), c = -solid.x / r, s = -solid.y / r;
      turn = {s * turn.cos + c * turn.sin, c * turn.cos - s * turn.sin};
    }
    solid.cos_yaw = turn.cos;
    solid.sin_yaw = turn.sin;
    bool free = std::all_of(solids.begin(), solids.end(), [&](const Solid& other) {
      double dx = solid.x - other.x, dy = solid.y - other.y, apart = solid.radius() + other.radius();
      return dx * dx + dy * dy > apart * apart;
    });
    if (!free) continue;
    solids.push_back(solid);
    return true;
  }
  return false;
}

void draw_solids(Layout& layout, uint64_t key, bool distractors) {
  RandomSequence random({key, objects_stream});
  for (int64_t left = 3 + random.below(8); left > 0; --left) {
    float kind = random.uniform();
    ObjectClass object = kind < 0.4f ? ObjectClass::car : kind < 0.75f ? ObjectClass::pedestrian : ObjectClass::cyclist;
    constexpr std::array<Paint, 3> paints{Paint::car, Paint::pedestrian, Paint::cyclist};
    double yaw = 0;
    if (!place(paints[static_cast<size_t>(object)], random, layout.solids, yaw)) continue;
    layout.classes.push_back(object);
    layout.yaws.push_back(yaw);
  }
  if (!distractors) return;
  double ignored = 0;
  for (auto [paint, most] : {std::pair{Paint::post, 3}, {Paint::crate, 2}, {Paint::poster, 2}})
    for (int64_t left = random.below(most + 1); left > 0; --left) place(paint, random, layout.solids, ignored);
}

void draw_surroundings(Layout& layout, uint64_t key) {
  RandomSequence random({key, surroundings_stream});
  SinCos around = sin_cos(between(random, -pi, pi)), up = sin_cos(between(random, radians(25), radians(65)));
  layout.to_sun = {up.cos * around.cos, up.cos * around.sin, up.sin};
  double grey = between(random, 0.1, 0.24), warm = between(random, 0.95, 1.05);
  layout.ground = {grey * warm, grey, grey / warm};
  double lush = between(random, 0, 1);
  layout.verge = lush * Color{0.1, 0.2, 0.05} + (1 - lush) * Color{0.3, 0.25, 0.16};
  layout.road_left = between(random, 2.5, 9);
  layout.road_right = -between(random, 2.5, 9);
  layout.texture_seed = random.bits();
}

/// Rotation about the ego axes: roll about x, then pitch about y, then yaw about z.
Mat3 turned(double yaw_degrees, double pitch_degrees, double roll_degrees) {
  SinCos a = sin_cos(radians(yaw_degrees)), b = sin_cos(radians(pitch_degrees)), c = sin_cos(radians(roll_degrees));
  Mat3 yaw{{a.cos, -a.sin, 0, a.sin, a.cos, 0, 0, 0, 1}};
  Mat3 pitch{{b.cos, 0, b.sin, 0, 1, 0, -b.sin, 0, b.cos}};
  Mat3 roll{{1, 0, 0, 0, c.cos, -c.sin, 0, c.sin, c.cos}};
  return yaw * (pitch * roll);
}

CameraModel camera_at(const Vec3& position, const Mat3& ego_from_mount) {
  // Camera axes in the mount: x right = -y, y down = -z, z forward = x.
  Mat3 camera_from_mount{{0, -1, 0, 0, 0, -1, 1, 0, 0}};
  CameraModel camera;
  camera.width = picture_width;
  camera.height = picture_height;
  camera.fx = camera.fy = 64;
  camera.cx = 64;
  camera.cy = 20;
  Mat3 rotation = camera_from_mount * ego_from_mount.transposed();
  camera.camera_from_ego = {rotation, -1.0 * (rotation * position)};
  return camera;
}

void draw_cameras(Layout& layout, uint64_t key, const WorldOptions& options) {
  RandomSequence random({key, camera_stream});
  auto off = [&](double most) { return options.jitter ? between(random, -most, most) : 0.0; };
  double yaw = off(1), pitch = off(1), roll = off(1);
  Vec3 position{0.3, 0, 1.6};
  position = position + Vec3{off(0.03), off(0.03), off(0.03)};
  layout.told_camera = camera_at(position, turned(yaw, pitch, roll));
  layout.camera =
      camera_at(position, turned(yaw + (random.chance(0.5) ? 1 : -1) * options.unknown_yaw_degrees,
                                 pitch + (random.chance(0.5) ? 1 : -1) * options.unknown_pitch_degrees, roll));
}

void draw_condition(Layout& layout, uint64_t key, const WorldOptions& options) {
  RandomSequence random({key, condition_stream});
  float share = random.uniform();
  layout.condition = share < 0.45f    ? Condition::clear
                     : share < 0.65f  ? Condition::night
                     : share < 0.85f  ? Condition::fog
                     : share < 0.925f ? Condition::camera_dead
                                      : Condition::lidar_dead;
  if (options.condition) layout.condition = *options.condition;
  double level = static_cast<double>(random.uniform());
  if (layout.condition == Condition::fog) layout.visibility = 20 + 40 * level;
  if (layout.condition == Condition::night) layout.ambient = 0.03 + 0.07 * level;
}

}  // namespace

Layout draw_layout(uint64_t scene_key, const WorldOptions& options) {
  Layout layout;
  draw_solids(layout, scene_key, options.distractors);
  draw_surroundings(layout, scene_key);
  draw_cameras(layout, scene_key, options);
  draw_condition(layout, scene_key, options);
  return layout;
}

}  // namespace weft::examples::fusion::world
