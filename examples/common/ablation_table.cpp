#include <weft/examples/common/ablation_table.hpp>

#include <cmath>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/examples/common/files.hpp>
#include <weft/examples/common/report.hpp>

namespace weft::examples {
namespace {

std::vector<std::string> cells_of(const AblationTable& table, const AblationTable::Row& row) {
  std::vector<std::string> cells;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const AblationTable::Column& column = table.columns[i];
    std::string cell = format_number(row.values[i], column.style, column.decimals);
    if (!row.spread.empty() && std::isfinite(row.values[i]) && std::isfinite(row.spread[i]))
      cell += " \u00b1 " + format_number(row.spread[i], column.style, column.decimals);
    cells.push_back(std::move(cell));
  }
  cells.push_back(row.minutes > 0 ? fmt::format("{:.1f}", row.minutes) : "-");
  return cells;
}

}  // namespace

std::string format_number(double value, NumberStyle style, int decimals) {
  if (!std::isfinite(value)) return "-";
  if (style == NumberStyle::percent) return fmt::format("{:.{}f} %", 100 * value, decimals);
  return fmt::format("{:.{}f}", value, decimals);
}

void AblationTable::add(Row row) {
  if (row.values.size() != columns.size() || (!row.spread.empty() && row.spread.size() != columns.size()))
    throw ValueError(fmt::format("ablation: {}: expected one value for each of {} columns, got {} and {} of spread",
                                 row.name, columns.size(), row.values.size(), row.spread.size()));
  rows.push_back(std::move(row));
}

std::string AblationTable::markdown() const {
  std::string text = "| variant | what |", rule = "\n|---|---|";
  for (const Column& column : columns) text += " " + column.name + " |", rule += "---|";
  text += " minutes |" + rule + "---|\n";
  for (const Row& row : rows)
    text += fmt::format("| {} | {} | {} |\n", row.name, row.meaning, fmt::join(cells_of(*this, row), " | "));
  return text;
}

void AblationTable::write(const std::filesystem::path& folder, MetricsFile metrics) const {
  Table table{.header = {"variant"}, .rows = {}, .caption = ""};
  for (const Column& column : columns) table.header.push_back(column.name);
  table.header.push_back("minutes");
  const Column& main = columns.at(0);
  BarChart chart{.title = main.name,
                 .y_label = main.style == NumberStyle::percent ? "share" : main.name,
                 .bars = {{main.name, {}}},
                 .y_style = main.style,
                 .y_max = main.style == NumberStyle::percent ? 1 : automatic};
  for (const Row& row : rows) {
    table.rows.push_back(cells_of(*this, row));
    table.rows.back().insert(table.rows.back().begin(), row.name + ": " + row.meaning);
    chart.groups.push_back(row.name);
    chart.bars[0].values.push_back(row.values[0]);
    chart.bars[0].spread.push_back(row.spread.empty() ? 0 : row.spread[0]);
    for (size_t i = 0; i < columns.size(); ++i) metrics.set(row.name + ", " + columns[i].name, row.values[i]);
  }
  Report report(title, subtitle);
  report.section("Results", lead).table(table).chart(chart);
  report.write(folder / "ablation.html");
  replace_file(folder / "ablation.md", markdown());
  metrics.write(folder / "ablation.json");
}

}  // namespace weft::examples
