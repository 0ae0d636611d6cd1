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

std::string RunTable::head(const char* second) const {
  std::string text = kind_.empty() ? "|" : fmt::format("| {} |", kind_), rule = kind_.empty() ? "|" : "|---|";
  text += fmt::format(" {} |", second);
  rule += "---|";
  for (const RunColumn& column : columns_) {
    text += fmt::format(" {} |", column.name);
    rule += "---|";
  }
  return text + "\n" + rule + "\n";
}

std::string RunTable::mean_cells(const Kind& kind) const {
  std::string text;
  for (size_t i = 0; i < columns_.size(); ++i)
    text += fmt::format(" {} |", mean_and_spread(kind.values[i], columns_[i].decimals));
  return text + "\n";
}

std::string RunTable::all_runs() const {
  std::string text = head("seed");
  for (const Kind& kind : kinds_) {
    const std::string first = kind_.empty() ? "|" : fmt::format("| {} |", kind.name);
    for (size_t run = 0; run < kind.seeds.size(); ++run) {
      text += fmt::format("{} {} |", first, kind.seeds[run]);
      for (size_t i = 0; i < columns_.size(); ++i)
        text += fmt::format(" {} |", cell(kind.values[i][run], columns_[i].decimals));
      text += "\n";
    }
    if (kind.seeds.size() > 1) text += fmt::format("{} mean ± sd |", first) + mean_cells(kind);
  }
  return text;
}

std::string RunTable::means() const {
  std::string text = head("runs");
  for (const Kind& kind : kinds_) {
    const std::string first = kind_.empty() ? "|" : fmt::format("| {} |", kind.name);
    text += fmt::format("{} {} |", first, kind.seeds.size()) + mean_cells(kind);
  }
  return text;
}

}  // namespace weft::examples
