#include <weft/examples/sensor_fusion/world/world.hpp>

#include <cmath>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/sensor_fusion/world/camera.hpp>
#include <weft/examples/sensor_fusion/world/lidar.hpp>

namespace weft::examples::fusion {
namespace {

constexpr int64_t least_pixels = 4;

Occlusion occlusion_of(int64_t seen, int64_t whole) {
  if (whole == 0) return Occlusion::unknown;
  return 10 * seen >= 9 * whole ? Occlusion::none : 2 * seen >= whole ? Occlusion::partly : Occlusion::largely;
}

void check(int64_t count, const WorldOptions& options) {
  if (count < 0) throw ValueError("make_scenes: count: expected at least 0, got " + std::to_string(count));
  if (options.azimuths < 1)
    throw ValueError("WorldOptions: azimuths: expected at least 1, got " + std::to_string(options.azimuths));
  for (double degrees : options.beam_degrees)
    if (!(std::abs(degrees) < 90))
      throw ValueError("WorldOptions: beam_degrees: expected angles between -90 and 90, got " +
                       std::to_string(degrees));
  for (double degrees : {options.unknown_yaw_degrees, options.unknown_pitch_degrees})
    if (!(std::abs(degrees) <= 45))
      throw ValueError("WorldOptions: unknown yaw and pitch: expected at most 45 degrees, got " +
                       std::to_string(degrees));
}

Scene build_scene(uint64_t seed, int64_t index, const WorldOptions& options) {
  uint64_t key = fold_in(seed, static_cast<uint64_t>(index));
  world::Layout layout = world::draw_layout(key, options);
  world::Scan scan = world::scan(layout, key, options);
  world::Visibility visibility = world::look(layout);
  Scene scene;
  scene.id = std::to_string(index);
  scene.id.insert(0, scene.id.size() < 6 ? 6 - scene.id.size() : 0, '0');
  scene.points = std::move(scan.points);
  scene.lidar_origin = world::lidar_position;
  scene.image = world::render(layout, visibility, key);
  scene.camera = layout.told_camera;
  scene.condition = layout.condition;
  scene.visibility = layout.visibility;
  scene.ambient = layout.ambient;
  for (size_t i = 0; i < layout.classes.size(); ++i) {
    const world::Solid& solid = layout.solids[i];
    Box box;
    box.object = layout.classes[i];
    box.centre = {solid.x, solid.y, solid.height / 2};
    box.length = solid.length;
    box.width = solid.width;
    box.height = solid.height;
    box.yaw = layout.yaws[i];
    box.lidar_points = scan.solid_returns[i];
    box.visible_pixels = (visibility.seen[i] + 2) / 4;
    box.truncation = visibility.truncation[i];
    box.occlusion = occlusion_of(visibility.seen[i], visibility.whole[i]);
    if (options.keep_hidden || box.lidar_points >= 1 || box.visible_pixels >= least_pixels) scene.boxes.push_back(box);
  }
  return scene;
}

}  // namespace

Scene make_scene(uint64_t seed, int64_t index, const WorldOptions& options) {
  check(1, options);
  return build_scene(seed, index, options);
}

std::vector<Scene> make_scenes(int64_t count, uint64_t seed, const WorldOptions& options, int64_t first) {
  check(count, options);
  std::vector<Scene> scenes(static_cast<size_t>(count));
  parallel_for(count, [&](int64_t i) { scenes[static_cast<size_t>(i)] = build_scene(seed, first + i, options); });
  return scenes;
}

}  // namespace weft::examples::fusion
