#include <weft/examples/common/run_table.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::examples {
namespace {

std::string cell(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

std::string mean_and_spread(const std::vector<double>& values, int decimals) {
  const auto count = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (double value : values) mean += value / count;
  for (double value : values) squares += (value - mean) * (value - mean);
  // Of counts, like that of parameters, the mean alone.
  if (!std::isfinite(mean) || values.size() < 2 || decimals == 0) return cell(mean, decimals);
  return cell(mean, decimals) + " ± " + cell(std::sqrt(squares / (count - 1)), decimals);
}

std::string row(const std::vector<std::string>& cells) { return fmt::format("| {} |\n", fmt::join(cells, " | ")); }

std::string rule(size_t cells) {
  std::string text = "|";
  for (size_t i = 0; i < cells; ++i) text += "---|";
  return text + "\n";
}

}  // namespace

RunTable::RunTable(std::string kind, std::vector<RunColumn> columns)
    : kind_(std::move(kind)), columns_(std::move(columns)) {}

void RunTable::add(const std::string& kind, const nlohmann::ordered_json& metrics) {
  auto place = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& known) { return known.name == kind; });
  if (place == kinds_.end())
    place = kinds_.insert(place, Kind{kind, {}, std::vector<std::vector<double>>(columns_.size())});
  auto number = [&](const std::string& key) {
    auto entry = metrics.find(key);
    return entry != metrics.end() && entry->is_number() ? entry->get<double>() : std::nan("");
  };
  place->seeds.push_back(metrics.value("seed", int64_t{0}));
  for (size_t i = 0; i < columns_.size(); ++i) place->values[i].push_back(columns_[i].factor * number(columns_[i].key));
}

std::string RunTable::all_runs() const {
  std::vector<std::string> head;
  if (!kind_.empty()) head.push_back(kind_);
  head.push_back("seed");
  for (const RunColumn& column : columns_) head.push_back(column.name);
  std::string text = row(head) + rule(head.size());
  for (const Kind& kind : kinds_) {
    auto begin = [&](const std::string& seed) {
      return kind_.empty() ? std::vector<std::string>{seed} : std::vector<std::string>{kind.name, seed};
    };
    for (size_t run = 0; run < kind.seeds.size(); ++run) {
      std::vector<std::string> cells = begin(std::to_string(kind.seeds[run]));
      for (size_t i = 0; i < columns_.size(); ++i) cells.push_back(cell(kind.values[i][run], columns_[i].decimals));
      text += row(cells);
    }
    if (kind.seeds.size() < 2) continue;
    std::vector<std::string> cells = begin("mean ± sd");
    for (size_t i = 0; i < columns_.size(); ++i) cells.push_back(mean_and_spread(kind.values[i], columns_[i].decimals));
    text += row(cells);
  }
  return text;
}

std::string RunTable::means() const {
  std::vector<std::string> head{kind_}, runs{"runs"};
  for (const Kind& kind : kinds_) {
    head.push_back(kind.name);
    runs.push_back(std::to_string(kind.seeds.size()));
  }
  std::string text = row(head) + rule(head.size()) + row(runs);
  for (size_t i = 0; i < columns_.size(); ++i) {
    std::vector<std::string> cells{columns_[i].name};
    for (const Kind& kind : kinds_) cells.push_back(mean_and_spread(kind.values[i], columns_[i].decimals));
    text += row(cells);
  }
  return text;
}

}  // namespace weft::examples
