#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/common/charts.hpp>
#include <weft/examples/common/metrics_json.hpp>

namespace weft::examples {

/// What is left of a number when one thing is taken away from a model at a time.
struct AblationTable {
  struct Column {
    std::string name;
    NumberStyle style = NumberStyle::percent;
    int decimals = 2;
  };
  struct Row {
    std::string name, meaning;
    std::vector<double> values;       ///< one for each column; NaN where it was not measured
    std::vector<double> spread = {};  ///< +- of the values over several seeds; none when empty
    double minutes = 0;               ///< of training; 0 for a change at test time alone
  };

  std::string title, subtitle, lead;
  std::vector<Column> columns;  ///< the first one is drawn as bars
  std::vector<Row> rows = {};

  /// Throws ValueError when a row has not one value for each column.
  void add(Row row);
  /// `| variant | what | <columns> | minutes |`.
  std::string markdown() const;
  /// ablation.md, ablation.html, and ablation.json, which has `<row>, <column>` beside what `metrics` says already.
  void write(const std::filesystem::path& folder, MetricsFile metrics) const;
};

/// `99.83 %`, or `0.9983` in plain style; `-` when it is not finite.
std::string format_number(double value, NumberStyle style, int decimals);

}  // namespace weft::examples
