#pragma once

#include <string>
#include <utility>
#include <vector>

namespace weft {

/// Numbers with their names, in the order in which they are to be shown.
using NamedValues = std::vector<std::pair<std::string, double>>;

/// What a run measured: a row of numbers under named columns for each epoch. A row may bring new columns; where a row
/// has no number of a column it is NaN.
class History {
 public:
  /// Throws ValueError for a name that is empty or has a tab or line break in it, or comes twice.
  void add(const NamedValues& row);

  size_t rows() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  const std::vector<std::string>& columns() const { return columns_; }
  /// In the order of columns().
  const std::vector<double>& row(size_t i) const { return rows_.at(i); }
  bool has(const std::string& column) const;
  /// One number for each row. Throws ValueError naming the columns there are when there is none of that name.
  std::vector<double> column(const std::string& name) const;
  /// The newest row's number. Throws ValueError when there is no such column or no row.
  double last(const std::string& column) const;

  /// Lines of tab-separated cells, numbers in hexadecimal: from_text gives the very same numbers back.
  std::string to_text() const;
  /// Throws FormatError naming the line.
  static History from_text(const std::string& text);

  friend bool operator==(const History&, const History&);

 private:
  size_t index_of(const std::string& column) const;

  std::vector<std::string> columns_;
  std::vector<std::vector<double>> rows_;
};

/// `%a` of a number and back: every bit survives. exact_number throws FormatError for anything else.
std::string exact_text(double value);
double exact_number(const std::string& text);

}  // namespace weft
