#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weft::examples {

/// Rows of numbers under named columns, for the curves of a run.
class CsvTable {
 public:
  explicit CsvTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  /// Throws ValueError when there is not one value per column.
  void add(std::vector<double> row);
  /// The values of one column. Throws ValueError when there is none of that name.
  std::vector<double> column(const std::string& name) const;
  size_t rows() const { return rows_.size(); }

  /// RFC 4180 with `\n` line ends; the shortest digits that read back as the same number.
  std::string text() const;
  /// Writes the file whole or not at all. Throws FileError.
  void write(const std::filesystem::path& path) const;
  /// Reads what `write` wrote. Throws FileError, or FormatError naming file and line.
  static CsvTable read(const std::filesystem::path& path);

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<double>> rows_;
};

}  // namespace weft::examples
