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
                            {"no camera", "map_camera_dead"},
                            {"no LiDAR", "map_lidar_dead"},
                            {"near", "map_near"},
                            {"middle", "map_middle"},
                            {"far", "map_far"},
                            {"1 degree", "map_yaw_1"},
                            {"2 degrees", "map_yaw_2"},
                            {"4 degrees", "map_yaw_4"},
                            {"other pictures", "map_other_pictures"},
                            {"gain", "pointing_gain", 1},
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
