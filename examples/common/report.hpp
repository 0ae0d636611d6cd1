#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <weft/examples/common/charts.hpp>
#include <weft/examples/common/image.hpp>

namespace weft::examples {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header; cells that are numbers align right
  std::string caption;
};

struct Figure {
  Image image;
  std::string caption;
  bool highlight = false;  // the caption in the colour of errors
};

/// One self-contained HTML page: no scripts, nothing from elsewhere, pictures inside as PNG, charts as SVG; light and
/// dark, and fit for paper. All text is escaped.
class Report {
 public:
  explicit Report(std::string title, std::string subtitle = "");

  Report& section(const std::string& title, const std::string& lead = "");
  Report& paragraph(const std::string& text);
  /// Numbers that a reader should see first: (`99.8 %`, `test accuracy`).
  Report& key_figures(const std::vector<std::pair<std::string, std::string>>& value_and_label);
  /// Throws ValueError when a row is not as long as the header.
  Report& table(const Table& table);
  Report& chart(const LineChart& chart);
  Report& chart(const BarChart& chart);
  Report& chart(const ConfusionChart& chart);
  /// Pictures side by side, wrapped to the page, each `shown_width` CSS pixels wide, without smoothing.
  Report& figures(const std::vector<Figure>& figures, int shown_width = 160);

  std::string html() const;
  /// Writes the page whole or not at all. Throws FileError.
  void write(const std::filesystem::path& path) const;

 private:
  Report& add(const std::string& markup);

  std::string title_, subtitle_, body_;
  std::vector<std::string> sections_;
};

}  // namespace weft::examples
