#include <weft/examples/common/csv.hpp>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/common/files.hpp>

namespace weft::examples {
namespace {

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  std::string text = "\"";
  for (char letter : cell) text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return text + '"';
}

std::vector<std::string> split_line(const std::string& line) {
  std::vector<std::string> cells(1);
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && inside && i + 1 < line.size() && line[i + 1] == '"') cells.back() += line[i++];
    else if (line[i] == '"') inside = !inside;
    else if (line[i] == ',' && !inside) cells.emplace_back();
    else cells.back() += line[i];
  }
  return cells;
}

}  // namespace

void CsvTable::add(std::vector<double> row) {
  if (row.size() != columns_.size())
    throw ValueError(fmt::format("CsvTable: expected {} values, got {}", columns_.size(), row.size()));
  rows_.push_back(std::move(row));
}

std::vector<double> CsvTable::column(const std::string& name) const {
  auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) throw ValueError("CsvTable: no column " + name);
  std::vector<double> values;
  for (const auto& row : rows_) values.push_back(row[static_cast<size_t>(found - columns_.begin())]);
  return values;
}

std::string CsvTable::text() const {
  std::string text;
  for (size_t i = 0; i < columns_.size(); ++i) text += (i ? "," : "") + quoted(columns_[i]);
  text += '\n';
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) text += fmt::format("{}{}", i ? "," : "", row[i]);
    text += '\n';
  }
  return text;
}

void CsvTable::write(const std::filesystem::path& path) const { replace_file(path, text()); }

CsvTable CsvTable::read(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path.string()));
  std::string line;
  if (!std::getline(lines, line)) throw FormatError(path.string() + ": expected a line of column names");
  CsvTable table(split_line(line));
  for (size_t number = 2; std::getline(lines, line); ++number) {
    std::vector<double> row;
    for (const std::string& cell : split_line(line)) {
      char* end = nullptr;
      row.push_back(std::strtod(cell.c_str(), &end));
      if (cell.empty() || *end != '\0')
        throw FormatError(fmt::format("{}: line {}: expected a number, got {}", path.string(), number, cell));
    }
    if (row.size() != table.columns_.size())
      throw FormatError(fmt::format("{}: line {}: expected {} values, got {}", path.string(), number,
                                    table.columns_.size(), row.size()));
    table.add(std::move(row));
  }
  return table;
}

}  // namespace weft::examples
