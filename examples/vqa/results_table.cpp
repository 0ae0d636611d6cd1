#include <weft/examples/vqa/results_table.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/run_table.hpp>

namespace weft::examples::vqa {
namespace {

using Json = nlohmann::ordered_json;

Json read(const std::filesystem::path& run) {
  Json metrics = read_metrics(run);
  for (const char* field : {"data", "seed", "test_accuracy", "minutes"})
    if (!metrics.contains(field))
      throw FormatError(run.string() + ": expected the field \"" + field + "\" of a metrics.json of `vqa train`");
  return metrics;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The accuracies of all questions and of their groups, and how well attention points.
std::vector<RunColumn> columns_of(const Json& metrics) {
  std::vector<RunColumn> columns;
  const std::string group = "test_accuracy_";
  for (const auto& [key, value] : metrics.items()) {
    const bool share = value.is_number() && !ends_with(key, "_total");
    if (share && key == "test_accuracy") columns.push_back({"accuracy %", key, 100, 2});
    if (share && key.rfind(group, 0) == 0 && key.rfind(group + "kind_", 0) != 0) {
      std::string name = key.substr(group.size());
      columns.push_back({(name == "yes_no" ? "yes/no" : name) + " %", key, 100, 2});
    }
  }
  for (const std::string key : {"naming", "pointing"})
    if (metrics.contains(key) && metrics[key].is_number()) columns.push_back({key + " %", key});
  columns.push_back({"minutes", "minutes", 1});
  return columns;
}

}  // namespace

std::string results_table(const std::vector<std::filesystem::path>& runs) {
  if (runs.empty()) throw ValueError("results_table: expected at least one metrics.json");
  const Json first = read(runs.front());
  RunTable table("", columns_of(first));
  for (const std::filesystem::path& run : runs) {
    const Json metrics = read(run);
    if (metrics["data"] != first["data"])
      throw ValueError(run.string() + ": data: expected " + first["data"].dump() + " as in " + runs.front().string() +
                       ", got " + metrics["data"].dump());
    table.add("", metrics);
  }
  return table.all_runs();
}

}  // namespace weft::examples::vqa
