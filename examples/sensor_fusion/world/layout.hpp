#pragma once

#include <cstdint>
#include <vector>

#include <weft/examples/sensor_fusion/world/solid.hpp>
#include <weft/examples/sensor_fusion/world/world.hpp>

namespace weft::examples::fusion::world {

/// Everything that is drawn for one scene before a sensor looks at it.
struct Layout {
  std::vector<Solid> solids;         // the objects to detect first, then the distractors
  std::vector<ObjectClass> classes;  // of the first solids
  std::vector<double> yaws;          // of the first solids
  CameraModel camera;                // as it stands
  CameraModel told_camera;           // as the model is told
  Condition condition = Condition::clear;
  double visibility = 0, ambient = 1;
  // Surroundings, for the picture.
  Vec3 to_sun;                            // length 1
  Color ground, verge;                    // road and what lies beside it
  double road_left = 5, road_right = -5;  // edges of the road, y in the ego frame
  uint32_t texture_seed = 0;
};

/// The solids, surroundings and cameras depend on (seed, index) and not on the condition, so the same scene can be had
/// in any weather.
Layout draw_layout(uint64_t scene_key, const WorldOptions& options);

}  // namespace weft::examples::fusion::world
