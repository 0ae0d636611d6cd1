#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace weft::examples {

/// `&`, `<`, `>` and quotes as entities, for text and attributes of HTML and SVG; control characters become spaces.
std::string escape_markup(std::string_view text);

struct Series {
  std::string name;
  std::vector<double> x, y;  // equally long; a point that is not finite breaks the line
};

/// A dashed line across the chart, such as a prior that a model has to beat.
struct ReferenceLine {
  std::string name;
  double value = 0;
};

/// How numbers are written on axes and bars: 0.67 as `0.67` or as `67 %`.
enum class NumberStyle { plain, percent };

constexpr double automatic = std::numeric_limits<double>::quiet_NaN();

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<Series> series = {};
  std::vector<ReferenceLine> references = {};
  NumberStyle y_style = NumberStyle::plain;
  double y_min = automatic, y_max = automatic;
  double x_min = automatic, x_max = automatic;
};

struct BarChart {
  std::string title, y_label;
  std::vector<std::string> groups = {};  // along the x axis; long names are wrapped at spaces
  struct Bars {
    std::string name;
    std::vector<double> values;       // one per group; not finite = no bar
    std::vector<double> spread = {};  // drawn as value +- spread; none when empty
  };
  std::vector<Bars> bars = {};
  NumberStyle y_style = NumberStyle::plain;
  double y_max = automatic;  // the axis starts at 0
};

/// Counts of (expected row, predicted column), shaded by the row's share; errors are shaded in another colour.
struct ConfusionChart {
  std::string title;
  std::vector<std::string> labels;
  std::vector<int64_t> counts;  // [labels, labels]
};

/// SVG elements that take their colours from the page's CSS variables (report.cpp). Throw ValueError when lengths
/// differ.
std::string to_svg(const LineChart& chart);
std::string to_svg(const BarChart& chart);
std::string to_svg(const ConfusionChart& chart);

/// Round tick positions that cover [low, high] in about `count` steps.
std::vector<double> nice_ticks(double low, double high, int count);

}  // namespace weft::examples
