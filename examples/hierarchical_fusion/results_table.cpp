#include <weft/examples/hierarchical_fusion/results_table.hpp>

#include <cmath>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft::examples::hierarchy {
namespace {

struct Column {
  const char *name, *key;
  double factor;
  int decimals;
};

const std::vector<Column> legend_columns{{"mIoU %", "mean_iou", 100, 2},
                                         {"point recall %", "point_recall", 100, 2},
                                         {"pointing %", "pointing", 100, 1},
                                         {"legend erased, mIoU %", "legend_erased_mean_iou", 100, 2},
                                         {"follows new legend %", "follows_new_legend", 100, 2},
                                         {"parameters", "parameters", 1, 0},
                                         {"minutes", "minutes", 1, 1}};
const std::vector<Column> digit_columns{
    {"accuracy %", "test_accuracy", 100, 2}, {"parameters", "parameters", 1, 0}, {"minutes", "minutes", 1, 1}};

struct Row {
  std::string kind;
  int64_t seed;
  std::vector<double> values;
};

std::string cell(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

std::string mean_and_spread(const std::vector<const Row*>& rows, size_t column, int decimals) {
  double sum = 0, squares = 0;
  auto count = static_cast<double>(rows.size());
  for (const Row* row : rows) sum += row->values[column];
  for (const Row* row : rows) squares += std::pow(row->values[column] - sum / count, 2);
  if (!std::isfinite(sum)) return "-";
  if (decimals == 0) return cell(sum / count, 0);
  return fmt::format("{} ± {}", cell(sum / count, decimals), cell(std::sqrt(squares / (count - 1)), decimals));
}

std::string table_of(const std::vector<Row>& rows, const std::vector<Column>& columns, const char* kind) {
  if (rows.empty()) return "";
  std::string text = fmt::format("| {} | seed |", kind), rule = "|---|---|";
  for (const Column& column : columns) {
    text += fmt::format(" {} |", column.name);
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  std::vector<std::string> kinds;
  std::map<std::string, std::vector<const Row*>> groups;
  for (const Row& row : rows) {
    if (!groups.count(row.kind)) kinds.push_back(row.kind);
    groups[row.kind].push_back(&row);
  }
  for (const std::string& name : kinds) {
    const std::vector<const Row*>& group = groups[name];
    for (const Row* row : group) {
      text += fmt::format("| {} | {} |", name, row->seed);
      for (size_t i = 0; i < columns.size(); ++i)
        text += fmt::format(" {} |", cell(row->values[i], columns[i].decimals));
      text += "\n";
    }
    if (group.size() < 2) continue;
    text += fmt::format("| {} | mean ± sd |", name);
    for (size_t i = 0; i < columns.size(); ++i)
      text += fmt::format(" {} |", mean_and_spread(group, i, columns[i].decimals));
    text += "\n";
  }
  return text;
}

}  // namespace

std::string results_table(const std::vector<std::filesystem::path>& runs) {
  std::vector<Row> legend, digits;
  for (const std::filesystem::path& run : runs) {
    std::filesystem::path path = std::filesystem::is_directory(run) ? run / "metrics.json" : run;
    nlohmann::json json = nlohmann::json::parse(read_file(path.string()), nullptr, false);
    if (!json.is_object()) throw FormatError(path.string() + ": expected a JSON object of metrics");
    bool is_legend = json.value("task", "") == "legend";
    if (!is_legend && json.value("task", "") != "digits")
      throw FormatError(path.string() + ": task: expected legend or digits");
    nlohmann::json flags = json.value("flags", nlohmann::json::object());
    Row row{flags.value(is_legend ? "fusion" : "branches", "?"), json.value("seed", int64_t{0}), {}};
    for (const Column& column : is_legend ? legend_columns : digit_columns) {
      auto value = json.find(column.key);
      row.values.push_back(value != json.end() && value->is_number() ? column.factor * value->get<double>() : NAN);
    }
    (is_legend ? legend : digits).push_back(std::move(row));
  }
  std::string text = table_of(legend, legend_columns, "fusion");
  if (!legend.empty() && !digits.empty()) text += "\n";
  return text + table_of(digits, digit_columns, "branches");
}

}  // namespace weft::examples::hierarchy
