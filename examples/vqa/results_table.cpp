#include <weft/examples/vqa/results_table.hpp>

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft::examples::vqa {
namespace {

using Json = nlohmann::ordered_json;

Json read(const std::filesystem::path& path) {
  Json json;
  try {
    json = Json::parse(read_file(path.string()));
  } catch (const Json::parse_error& error) { throw FormatError(path.string() + ": not valid JSON: " + error.what()); }
  for (const char* field : {"data", "seed", "test_accuracy", "minutes"})
    if (!json.is_object() || !json.contains(field))
      throw FormatError(path.string() + ": expected the field \"" + field + "\" of a metrics.json of `vqa train`");
  return json;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The shares to show: (key, heading).
std::vector<std::pair<std::string, std::string>> columns_of(const Json& json) {
  std::vector<std::pair<std::string, std::string>> columns;
  const std::string group = "test_accuracy_";
  for (const auto& [key, value] : json.items()) {
    const bool share = value.is_number() && !ends_with(key, "_total");
    if (share && key == "test_accuracy") columns.emplace_back(key, "accuracy");
    if (share && key.rfind(group, 0) == 0 && key.rfind(group + "kind_", 0) != 0) {
      std::string name = key.substr(group.size());
      columns.emplace_back(key, name == "yes_no" ? "yes/no" : name);
    }
  }
  for (const char* key : {"naming", "pointing"})
    if (json.contains(key) && json[key].is_number()) columns.emplace_back(key, key);
  return columns;
}

std::string cell(double share, int digits = 2) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, share);
  return text;
}

}  // namespace

std::string results_table(const std::vector<std::filesystem::path>& metrics) {
  if (metrics.empty()) throw ValueError("results_table: expected at least one metrics.json");
  std::vector<Json> runs;
  for (const std::filesystem::path& path : metrics) runs.push_back(read(path));
  const auto columns = columns_of(runs.front());
  std::string table = "| seed |", rule = "|---|";
  for (const auto& [key, name] : columns) {
    table += " " + name + " |";
    rule += "---|";
  }
  table += " minutes |\n" + rule + "---|\n";
  std::vector<std::vector<double>> shares(columns.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i]["data"] != runs.front()["data"])
      throw ValueError(metrics[i].string() + ": data: expected " + runs.front()["data"].dump() + " as in " +
                       metrics.front().string() + ", got " + runs[i]["data"].dump());
    table += "| " + runs[i]["seed"].dump() + " |";
    for (size_t c = 0; c < columns.size(); ++c) {
      const std::string& key = columns[c].first;
      if (!runs[i].contains(key) || !runs[i][key].is_number())
        throw FormatError(metrics[i].string() + ": expected the number \"" + key + "\"");
      shares[c].push_back(100 * runs[i][key].get<double>());
      table += " " + cell(shares[c].back()) + " % |";
    }
    table += " " + cell(runs[i]["minutes"].get<double>(), 1) + " |\n";
  }
  if (runs.size() < 2) return table;
  table += "| mean ± sd |";
  for (const std::vector<double>& column : shares) {
    double mean = 0, squares = 0;
    for (double share : column) mean += share / static_cast<double>(column.size());
    for (double share : column) squares += (share - mean) * (share - mean);
    table += " " + cell(mean) + " ± " + cell(std::sqrt(squares / static_cast<double>(column.size() - 1))) + " |";
  }
  return table + " |\n";
}

}  // namespace weft::examples::vqa
