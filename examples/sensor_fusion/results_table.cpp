#include <weft/examples/sensor_fusion/results_table.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/run_table.hpp>

namespace weft::examples::fusion {

std::string results_table(const std::vector<std::filesystem::path>& runs) {
  RunTable table("fusion", {{"mixed", "map"},
                            {"clear", "map_clear"},
                            {"night", "map_night"},
                            {"fog", "map_fog"},
                            {"camera dead", "map_camera_dead"},
                            {"LiDAR dead", "map_lidar_dead"},
                            {"0-12 m", "map_near"},
                            {"12-24 m", "map_middle"},
                            {"24 m on", "map_far"},
                            {"turned by 1 degree", "map_yaw_1"},
                            {"turned by 2 degrees", "map_yaw_2"},
                            {"turned by 4 degrees", "map_yaw_4"},
                            {"pictures of other scenes", "map_other_pictures"},
                            {"gain of attention", "pointing_gain", 1},
                            {"parameters", "parameters", 1, 0},
                            {"minutes", "minutes", 1}});
  for (const std::filesystem::path& run : runs) {
    const nlohmann::ordered_json metrics = read_metrics(run);
    auto fusion = metrics.find("fusion");
    if (fusion == metrics.end() || !fusion->is_string())
      throw FormatError(run.string() + ": expected a string `fusion`");
    table.add(*fusion, metrics);
  }
  return table.means();
}

}  // namespace weft::examples::fusion
