#include <weft/training/history.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include <weft/core/error.hpp>

namespace weft {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  for (size_t first = 0;;) {
    size_t tab = line.find('\t', first);
    cells.push_back(line.substr(first, tab - first));
    if (tab == std::string::npos) return cells;
    first = tab + 1;
  }
}

/// NaN is equal to NaN here: it marks a number that is not there.
bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

void History::add(const NamedValues& row) {
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string& name = row[i].first;
    if (name.empty() || name.find_first_of("\t\r\n") != std::string::npos)
      throw ValueError("history: expected a column's name of one line without tabs, got '" + name + "'");
    for (size_t j = 0; j < i; ++j)
      if (row[j].first == name) throw ValueError("history: column '" + name + "' has two values in one row");
  }
  for (const auto& [name, value] : row) {
    if (has(name)) continue;
    columns_.push_back(name);
    for (std::vector<double>& earlier : rows_) earlier.push_back(std::nan(""));
  }
  std::vector<double> values(columns_.size(), std::nan(""));
  for (const auto& [name, value] : row) values[index_of(name)] = value;
  rows_.push_back(std::move(values));
}

bool History::has(const std::string& column) const {
  return std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

size_t History::index_of(const std::string& column) const {
  auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end())
    throw ValueError(
        fmt::format("history: expected one of the columns {}, got '{}'", fmt::join(columns_, ", "), column));
  return static_cast<size_t>(found - columns_.begin());
}

std::vector<double> History::column(const std::string& name) const {
  size_t index = index_of(name);
  std::vector<double> values;
  for (const std::vector<double>& row : rows_) values.push_back(row[index]);
  return values;
}

double History::last(const std::string& column) const {
  size_t index = index_of(column);
  return rows_.back()[index];  // a column comes with a row
}

std::string History::to_text() const {
  std::string text = fmt::format("{}\n", fmt::join(columns_, "\t"));
  for (const std::vector<double>& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) text += exact_text(row[i]) + (i + 1 == row.size() ? '\n' : '\t');
  return text;
}

History History::from_text(const std::string& text) {
  History history;
  size_t line_number = 0;
  for (size_t first = 0; first < text.size();) {
    size_t end = std::min(text.find('\n', first), text.size());
    std::vector<std::string> cells = cells_of(text.substr(first, end - first));
    first = end + 1;
    if (++line_number == 1) {
      if (cells != std::vector<std::string>{""}) history.columns_ = cells;
      continue;
    }
    if (cells.size() != history.columns_.size())
      throw FormatError(fmt::format("history: line {}: expected {} cells, got {}", line_number, history.columns_.size(),
                                    cells.size()));
    std::vector<double> row;
    try {
      for (const std::string& cell : cells) row.push_back(exact_number(cell));
    } catch (const FormatError& error) {
      throw FormatError(fmt::format("history: line {}: {}", line_number, error.what()));
    }
    history.rows_.push_back(std::move(row));
  }
  return history;
}

bool operator==(const History& a, const History& b) {
  auto same_row = [](const std::vector<double>& x, const std::vector<double>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_number);
  };
  return a.columns_ == b.columns_ &&
         std::equal(a.rows_.begin(), a.rows_.end(), b.rows_.begin(), b.rows_.end(), same_row);
}

std::string exact_text(double value) { return fmt::format("{:a}", value); }

double exact_number(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') throw FormatError("expected a number, got '" + text + "'");
  return value;
}

}  // namespace weft
