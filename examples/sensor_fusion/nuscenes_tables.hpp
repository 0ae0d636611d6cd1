#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

/// A sensor's file of one moment, with the poses that hold at that moment.
struct NuScenesRecording {
  std::string file;      // below the data set's root
  std::string source;    // row of sample_data.json, for errors
  Pose ego_from_sensor;  // calibrated_sensor
  Pose global_from_ego;  // ego_pose at this sensor's own time
  Mat3 intrinsic;        // of a camera
  int64_t width = 0, height = 0;
};

struct NuScenesAnnotation {
  std::string category;                 // such as vehicle.car
  std::vector<std::string> attributes;  // such as cycle.with_rider
  Vec3 centre;                          // global frame
  double width = 0, length = 0, height = 0;
  Mat3 rotation;  // from the box's own frame (x ahead, y left, z up) to the global one
  int64_t lidar_points = 0, radar_points = 0;
  Occlusion occlusion = Occlusion::unknown;
};

struct NuScenesSample {
  std::string token, scene;  // `scene` is its name, such as scene-0061
  bool night = false;        // said by the scene's description
  int64_t timestamp = 0;     // microseconds
  NuScenesRecording lidar, camera;
  std::vector<NuScenesAnnotation> annotations;
};

/// Reads the tables in `folder`, such as <root>/v1.0-mini, and follows their tokens. Samples come in the order of the
/// scenes' table, then of time; those without a key frame of LIDAR_TOP or of `camera_channel` are refused. Needed:
/// attribute, calibrated_sensor, category, ego_pose, instance, sample, sample_annotation, sample_data, scene, sensor
/// and visibility; log and map are not read. Rows are read one at a time, so the full set's tables need no more memory
/// than their text. Throws FileError for a missing table, FormatError naming table, row and field for what is
/// malformed, a token that is not there, or one that comes twice.
std::vector<NuScenesSample> read_nuscenes_tables(const std::filesystem::path& folder,
                                                 const std::string& camera_channel);

/// The rotation of a unit quaternion.
Mat3 rotation_of(double w, double x, double y, double z);

}  // namespace weft::examples::fusion
