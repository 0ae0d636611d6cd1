#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

// "tinydrive": a ray-cast world in which neither sensor is enough. Cars, pedestrians and cyclists are boxes of their
// class's size with its paint; so a LiDAR of few beams cannot tell a pedestrian from a post or a car from a crate, and
// a camera takes the painted figure on a poster for a person and cannot tell how far away one is.

struct WorldOptions {
  /// All scenes in this condition; unset: clear 45 %, night 20 %, fog 20 %, camera dead 7.5 %, LiDAR dead 7.5 %.
  std::optional<Condition> condition;
  /// Posts, crates and posters among the objects.
  bool distractors = true;
  /// The camera stands up to 1 degree and 3 cm off in each direction, and the model is told.
  bool jitter = true;
  /// The camera is further off by this much, to either side, and the model is not told.
  double unknown_yaw_degrees = 0, unknown_pitch_degrees = 0;
  /// The LiDAR's beams, downwards negative, and how many shots each fires over 90 degrees.
  std::vector<double> beam_degrees{-1, -2.5, -5, -10};
  int64_t azimuths = 90;
  /// Keeps objects of which neither sensor saw anything.
  bool keep_hidden = false;
};

constexpr int64_t picture_width = 128, picture_height = 48;

/// Scene `index` of the world of that seed: the same bits on every platform, at any number of threads, whatever else is
/// made. LiDAR coordinates are multiples of 2^-12 m. A box is listed when the scan of clear weather has a return from
/// it or at least 4 pixels of the picture show it; `lidar_points` and `visible_pixels` say how many, as if in clear
/// weather with both sensors alive. Throws ValueError for options that make no sense.
Scene make_scene(uint64_t seed, int64_t index, const WorldOptions& options = {});

/// Scenes first .. first + count - 1, made on several threads.
std::vector<Scene> make_scenes(int64_t count, uint64_t seed, const WorldOptions& options = {}, int64_t first = 0);

}  // namespace weft::examples::fusion
