#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/sensor_fusion/batch.hpp>
#include <weft/examples/sensor_fusion/kitti.hpp>
#include <weft/examples/sensor_fusion/world/world.hpp>

namespace weft::examples::fusion {

struct DataOptions {
  std::string name = "tinydrive";  ///< or `kitti`, `nuscenes`
  std::filesystem::path folder;    ///< of the real sets
  double range = 0;                ///< metres forward; 0: 32 for tinydrive, 48 for the real sets
  uint64_t seed = 0;               ///< of the training scenes; the test scenes are always the same
  int64_t train_scenes = 8000;     ///< tinydrive: in an epoch
  int64_t test_scenes = 2000;      ///< tinydrive
  bool missing_sensors = true;     ///< tinydrive: training scenes in which a sensor is dead
};

/// Scenes to train on, perhaps made anew for each epoch, and scenes to test on.
struct FusionData {
  std::string name;
  BevGrid grid;
  int64_t picture_width = 0, picture_height = 0;
  int64_t train_scenes = 0;
  SceneSet::Make train;
  std::vector<Scene> test;
  bool made = false;    ///< scenes can be had in any condition
  bool mirror = false;  ///< few scenes: left and right may change places
};

/// KITTI: trains on the frames of ImageSets/train.txt and tests on those of val.txt, or both on `training` when there
/// are no such lists. nuScenes: the scenes of mini_train and mini_val of v1.0-mini. Throws ValueError for another name,
/// and what the readers throw.
FusionData load_data(const DataOptions& options);

/// The frames that load_data tests on with `kitti`.
KittiSet kitti_test_set(const DataOptions& options);

/// The test scenes of tinydrive: scenes 0 .. count - 1 of a seed that no training uses.
std::vector<Scene> test_scenes(int64_t count, const WorldOptions& options);
Scene test_scene(int64_t index, const WorldOptions& options);

}  // namespace weft::examples::fusion
