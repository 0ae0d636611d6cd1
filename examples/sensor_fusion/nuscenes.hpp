#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/sensor_fusion/nuscenes_tables.hpp>
#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

// nuScenes (Caesar et al. 2020): <root>/<version>/*.json tables, <root>/samples/LIDAR_TOP/*.pcd.bin scans of float32
// x y z intensity ring in the sensor's frame, <root>/samples/CAM_FRONT/*.jpg pictures.
//
// LiDAR and camera fire some milliseconds apart and the car moves on meanwhile, so two ego poses are at work: scenes
// are in the ego frame at the LiDAR's time, and a point reaches the picture by
//   ego (LiDAR's time) -> global -> ego (camera's time) -> camera -> K.

struct NuScenesOptions {
  std::string version = "v1.0-mini";
  std::string camera = "CAM_FRONT";
  /// Names of the scenes to read, such as scene-0061; empty = all of the version.
  std::vector<std::string> scenes = {};
  /// Boxes that no part of the picture could show are left out, as a front camera says nothing of them.
  bool in_view = true;
  /// Boxes beyond their class's range (car 50 m, pedestrian 40 m, cyclist 30 m) or without a return of LiDAR or radar
  /// are left out, as in nuScenes' own evaluation.
  bool evaluated = true;
  /// Bicycles and motorcycles that nobody rides count as cyclists too.
  bool riderless = false;
};

/// The scenes of `mini_train` or `mini_val`, as the development kit splits v1.0-mini. Throws ValueError for other
/// names.
std::vector<std::string> nuscenes_mini_split(const std::string& name);

/// The samples of a nuScenes folder, read one by one when asked for.
class NuScenesSet {
 public:
  /// Throws what `read_nuscenes_tables` does, and ValueError for a scene that the tables lack.
  explicit NuScenesSet(const std::filesystem::path& root, const NuScenesOptions& options = {});

  int64_t size() const { return static_cast<int64_t>(samples_.size()); }
  const NuScenesSample& sample(int64_t index) const { return samples_.at(static_cast<size_t>(index)); }

  /// vehicle.car is a car; adults, children, workers and police officers are pedestrians; bicycles and motorcycles
  /// with a rider are cyclists. `id` is the sample's token; a scene that is described as night has that condition. May
  /// be called from several threads. Throws FileError and FormatError naming the file or row at fault.
  Scene scene(int64_t index) const;

 private:
  std::filesystem::path root_;
  NuScenesOptions options_;
  std::vector<NuScenesSample> samples_;
};

/// All samples, read on several threads.
std::vector<Scene> load_nuscenes(const std::filesystem::path& root, const NuScenesOptions& options = {});

}  // namespace weft::examples::fusion
