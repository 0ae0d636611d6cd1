#include <weft/examples/sensor_fusion/results_table.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft::examples::fusion {
namespace {

struct Column {
  const char *name, *key;
  double scale;
  int decimals;
};
constexpr Column columns[] = {{"mixed", "map", 100, 1},
                              {"clear", "map_clear", 100, 1},
                              {"night", "map_night", 100, 1},
                              {"fog", "map_fog", 100, 1},
                              {"no camera", "map_camera_dead", 100, 1},
                              {"no LiDAR", "map_lidar_dead", 100, 1},
                              {"near", "map_near", 100, 1},
                              {"middle", "map_middle", 100, 1},
                              {"far", "map_far", 100, 1},
                              {"1 degree", "map_yaw_1", 100, 1},
                              {"2 degrees", "map_yaw_2", 100, 1},
                              {"4 degrees", "map_yaw_4", 100, 1},
                              {"other pictures", "map_other_pictures", 100, 1},
                              {"gain", "pointing_gain", 1, 1},
                              {"minutes", "minutes", 1, 1}};

struct Run {
  std::string fusion;
  nlohmann::json metrics;
};

std::string cell(const std::vector<double>& values, int decimals) {
  double sum = 0, squares = 0;
  for (double value : values) sum += value;
  if (values.empty()) return "-";
  double mean = sum / static_cast<double>(values.size());
  for (double value : values) squares += (value - mean) * (value - mean);
  char text[64];
  if (values.size() == 1) std::snprintf(text, sizeof text, "%.*f", decimals, mean);
  else
    std::snprintf(text, sizeof text, "%.*f ± %.*f", decimals, mean, decimals,
                  std::sqrt(squares / static_cast<double>(values.size() - 1)));
  return text;
}

}  // namespace

std::string results_table(const std::vector<std::filesystem::path>& files) {
  std::vector<Run> runs;
  std::vector<std::string> kinds;
  for (const std::filesystem::path& file : files) {
    nlohmann::json metrics = nlohmann::json::parse(read_file(file.string()), nullptr, false);
    if (!metrics.is_object()) throw FormatError(file.string() + ": expected a JSON object");
    if (!metrics.contains("fusion") || !metrics["fusion"].is_string())
      throw FormatError(file.string() + ": expected a string `fusion`");
    runs.push_back({metrics["fusion"], metrics});
    if (std::find(kinds.begin(), kinds.end(), runs.back().fusion) == kinds.end()) kinds.push_back(runs.back().fusion);
  }
  std::string table = "| fusion | runs |", line = "|---|---|";
  for (const Column& column : columns) {
    table += std::string(" ") + column.name + " |";
    line += "---|";
  }
  table += "\n" + line + "\n";
  for (const std::string& kind : kinds) {
    auto of_kind = [&](const Run& run) { return run.fusion == kind; };
    table += "| " + kind + " | " + std::to_string(std::count_if(runs.begin(), runs.end(), of_kind)) + " |";
    for (const Column& column : columns) {
      std::vector<double> values;
      for (const Run& run : runs)
        if (of_kind(run) && run.metrics.contains(column.key) && run.metrics[column.key].is_number())
          values.push_back(column.scale * run.metrics[column.key].get<double>());
      table += " " + cell(values, column.decimals) + " |";
    }
    table += "\n";
  }
  return table;
}

}  // namespace weft::examples::fusion
