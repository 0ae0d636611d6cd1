#include <weft/examples/common/charts.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <weft/core/error.hpp>

namespace weft::examples {
namespace {

constexpr double width = 640, height = 330, left = 62, right = 18, top = 60, bottom = 48, line_height = 14;
constexpr double inner_width = width - left - right, inner_height = height - top - bottom;
constexpr size_t max_points = 600, palette_size = 6;

std::string number(double value, NumberStyle style) {
  // Near 100 % the second decimal tells models apart; elsewhere it is noise, and too wide for bars side by side.
  if (style == NumberStyle::percent) return fmt::format("{:.{}g} %", value * 100, value > 0.99 ? 4 : 3);
  return fmt::format("{:.4g}", std::abs(value) < 1e-12 ? 0.0 : value);
}

/// The plot's area: data to pixels, and the parts that every chart with axes shares.
struct Axes {
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;

  double x(double value) const { return left + (value - x_low) / (x_high - x_low) * inner_width; }
  double y(double value) const { return top + (y_high - value) / (y_high - y_low) * inner_height; }

  std::string horizontal_grid(const std::vector<double>& ticks, NumberStyle style) const {
    std::string svg;
    for (double tick : ticks) {
      if (tick < y_low - 1e-9 || tick > y_high + 1e-9) continue;
      svg += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
          left, left + inner_width, y(tick), y(tick), left - 8, y(tick) + 4, number(tick, style));
    }
    return svg;
  }
};

std::string open_svg(const std::string& title, double w, double h) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", w, h,
                     escape_markup(title));
}

std::string heading(const std::string& title, const std::string& y_label) {
  return fmt::format(
      "<text class=\"title\" x=\"{0:.0f}\" y=\"16\">{1}</text>"
      "<text class=\"tick\" x=\"{0:.0f}\" y=\"{2:.0f}\">{3}</text>\n",
      left, escape_markup(title), top - 24, escape_markup(y_label));
}

/// Names with their colours, right-aligned on the title's line.
std::string legend(const std::vector<std::string>& names) {
  std::string svg;
  double x = width - right;
  for (size_t i = names.size(); i-- > 0;) {
    x -= 7.0 * static_cast<double>(names[i].size()) + 26;
    svg += fmt::format(
        "<rect class=\"fill{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" rx=\"2\"/>"
        "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        i % palette_size, x, top - 34, x + 17, top - 24, escape_markup(names[i]));
  }
  return svg;
}

/// Long series are drawn as means over equal runs of points: a curve of 10,000 steps stays small and readable.
Series thinned(const Series& series) {
  if (series.x.size() <= max_points) return series;
  Series result{series.name, {}, {}};
  for (size_t i = 0; i < max_points; ++i) {
    size_t first = i * series.x.size() / max_points, last = (i + 1) * series.x.size() / max_points;
    double x = 0, y = 0, count = static_cast<double>(last - first);
    for (size_t j = first; j < last; ++j) {
      x += series.x[j] / count;
      y += series.y[j] / count;
    }
    result.x.push_back(x);
    result.y.push_back(y);
  }
  return result;
}

std::string polyline(const Series& series, const Axes& axes, size_t color) {
  std::string svg, points;
  size_t drawn = 0;
  auto flush = [&] {
    if (drawn > 1) svg += fmt::format("<polyline class=\"line{}\" points=\"{}\"/>\n", color, points);
    else if (drawn == 1)
      svg += fmt::format("<circle class=\"fill{}\" r=\"3\" cx=\"{}\" cy=\"{}\"/>\n", color,
                         points.substr(0, points.find(',')), points.substr(points.find(',') + 1));
    points.clear();
    drawn = 0;
  };
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
      flush();
      continue;
    }
    double y = std::clamp(series.y[i], axes.y_low, axes.y_high);
    points += fmt::format("{}{:.1f},{:.1f}", drawn ? " " : "", axes.x(series.x[i]), axes.y(y));
    ++drawn;
  }
  flush();
  return svg;
}

/// The words in lines of at most `most` letters, as far as spaces allow.
std::vector<std::string> wrapped(const std::string& text, size_t most) {
  std::vector<std::string> lines;
  for (size_t first = 0; first < text.size();) {
    size_t end = std::min(text.find(' ', first), text.size());
    std::string word = text.substr(first, end - first);
    if (!lines.empty() && lines.back().size() + 1 + word.size() <= most) lines.back() += ' ' + word;
    else lines.push_back(word);
    first = end + 1;
  }
  return lines;
}

/// A vertical line with a bar at both ends.
std::string error_bar(const Axes& axes, double x, double value, double spread) {
  double low = axes.y(std::clamp(value - spread, axes.y_low, axes.y_high));
  double high = axes.y(std::clamp(value + spread, axes.y_low, axes.y_high));
  return fmt::format(
      "<path class=\"spread\" d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}H{4:.1f}M{3:.1f} {2:.1f}H{4:.1f}\"/>", x, low,
      high, x - 4, x + 4);
}

double spread_of(const BarChart::Bars& bars, size_t group) {
  return bars.spread.empty() || !std::isfinite(bars.spread[group]) ? 0 : bars.spread[group];
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void settle() {
    if (low > high) low = 0, high = 1;
    if (low == high) low -= 0.5, high += 0.5;
  }
};

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string result;
  for (char letter : text) switch (letter) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += static_cast<unsigned char>(letter) < 32 ? ' ' : letter;
    }
  return result;
}

std::vector<double> nice_ticks(double low, double high, int count) {
  double raw = (high - low) / std::max(1, count), power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = power * 10;
  for (double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power * (1 + 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> ticks;
  for (double i = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9); i <= last; ++i)
    ticks.push_back(i * step);
  return ticks;
}

std::string to_svg(const LineChart& chart) {
  Range x, y;
  std::vector<std::string> names;
  for (const Series& series : chart.series) {
    if (series.x.size() != series.y.size())
      throw ValueError(fmt::format("line chart: series {}: expected as many y as x = {}, got {}", series.name,
                                   series.x.size(), series.y.size()));
    for (double value : series.x) x.include(value);
    for (double value : series.y) y.include(value);
    names.push_back(series.name);
  }
  for (const ReferenceLine& line : chart.references) y.include(line.value);
  x.settle();
  y.settle();
  std::vector<double> ticks =
      nice_ticks(std::isnan(chart.y_min) ? y.low : chart.y_min, std::isnan(chart.y_max) ? y.high : chart.y_max, 5);
  if (!std::isnan(chart.x_min)) x.low = chart.x_min;
  if (!std::isnan(chart.x_max)) x.high = chart.x_max;
  Axes axes{x.low, x.high, std::isnan(chart.y_min) ? ticks.front() : chart.y_min,
            std::isnan(chart.y_max) ? ticks.back() : chart.y_max};

  std::string svg = open_svg(chart.title, width, height) + heading(chart.title, chart.y_label);
  svg += axes.horizontal_grid(ticks, chart.y_style) + legend(names);
  for (double tick : nice_ticks(x.low, x.high, 8)) {
    if (tick < x.low - 1e-9 || tick > x.high + 1e-9) continue;
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                       axes.x(tick), height - bottom + 18, number(tick, NumberStyle::plain));
  }
  svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                     left + inner_width / 2, height - 10, escape_markup(chart.x_label));
  for (const ReferenceLine& line : chart.references) {
    double level = axes.y(std::clamp(line.value, axes.y_low, axes.y_high));
    svg += fmt::format(
        "<line class=\"reference\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{} {}</text>\n",
        left, left + inner_width, level, level, left + inner_width, level - 5, escape_markup(line.name),
        number(line.value, chart.y_style));
  }
  for (size_t i = 0; i < chart.series.size(); ++i) svg += polyline(thinned(chart.series[i]), axes, i % palette_size);
  return svg + "</svg>\n";
}

std::string to_svg(const BarChart& chart) {
  Range y;
  y.include(0);
  std::vector<std::string> names;
  for (const BarChart::Bars& bars : chart.bars) {
    if (bars.values.size() != chart.groups.size())
      throw ValueError(fmt::format("bar chart: bars {}: expected one value for each of {} groups, got {}", bars.name,
                                   chart.groups.size(), bars.values.size()));
    if (!bars.spread.empty() && bars.spread.size() != chart.groups.size())
      throw ValueError(fmt::format("bar chart: bars {}: expected one spread for each of {} groups, got {}", bars.name,
                                   chart.groups.size(), bars.spread.size()));
    for (size_t i = 0; i < bars.values.size(); ++i) y.include(bars.values[i] + spread_of(bars, i));
    names.push_back(bars.name);
  }
  if (y.high <= 0) y.high = 1;
  double high = std::isnan(chart.y_max) ? y.high : chart.y_max;
  std::vector<double> ticks = nice_ticks(0, high, 5);
  Axes axes{0, static_cast<double>(std::max<size_t>(1, chart.groups.size())), 0,
            std::isnan(chart.y_max) ? ticks.back() : chart.y_max};

  std::vector<std::vector<std::string>> labels;
  size_t lines = 1;
  for (const std::string& group : chart.groups) {
    labels.push_back(wrapped(group, static_cast<size_t>(inner_width / axes.x_high / 6.5)));
    lines = std::max(lines, labels.back().size());
  }
  std::string svg = open_svg(chart.title, width, height + line_height * static_cast<double>(lines - 1)) +
                    heading(chart.title, chart.y_label);
  svg += axes.horizontal_grid(ticks, chart.y_style) + legend(names);
  double bar_width = 0.72 * inner_width / axes.x_high / static_cast<double>(std::max<size_t>(1, chart.bars.size()));
  bar_width = std::min(bar_width, 56.0);
  for (size_t group = 0; group < chart.groups.size(); ++group) {
    double center = axes.x(static_cast<double>(group) + 0.5);
    for (size_t line = 0; line < labels[group].size(); ++line)
      svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", center,
                         height - bottom + 18 + line_height * static_cast<double>(line),
                         escape_markup(labels[group][line]));
    for (size_t i = 0; i < chart.bars.size(); ++i) {
      double value = chart.bars[i].values[group];
      if (!std::isfinite(value)) continue;
      double x = center + (static_cast<double>(i) - static_cast<double>(chart.bars.size()) / 2) * bar_width;
      double level = axes.y(std::clamp(value, 0.0, axes.y_high));
      svg += fmt::format(
          "<rect class=\"fill{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\"/>"
          "<text class=\"value\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
          i % palette_size, x + 1, level, bar_width - 2, axes.y(0) - level, x + bar_width / 2,
          axes.y(std::clamp(value + spread_of(chart.bars[i], group), 0.0, axes.y_high)) - 4,
          number(value, chart.y_style));
      if (spread_of(chart.bars[i], group) > 0)
        svg += error_bar(axes, x + bar_width / 2, value, spread_of(chart.bars[i], group));
    }
  }
  return svg + "</svg>\n";
}

std::string to_svg(const ConfusionChart& chart) {
  size_t count = chart.labels.size(), longest = 0;
  if (chart.counts.size() != count * count)
    throw ValueError(fmt::format("confusion chart: expected {} counts for {} labels, got {}", count * count, count,
                                 chart.counts.size()));
  for (const std::string& label : chart.labels) longest = std::max(longest, label.size());
  double cell = 40, margin = 7.0 * static_cast<double>(longest) + 40, head = margin + 10;
  double side = cell * static_cast<double>(count);
  std::string svg = open_svg(chart.title, margin + side + 20, head + side + 20);
  svg += fmt::format(
      "<text class=\"title\" x=\"4\" y=\"16\">{}</text>"
      "<text class=\"tick\" x=\"4\" y=\"34\">rows: expected, columns: predicted</text>\n",
      escape_markup(chart.title));
  for (size_t row = 0; row < count; ++row) {
    double y = head + cell * static_cast<double>(row), total = 0;
    for (size_t column = 0; column < count; ++column) total += static_cast<double>(chart.counts[row * count + column]);
    std::string label = escape_markup(chart.labels[row]);
    double across = margin + cell * (static_cast<double>(row) + 0.5);
    svg += fmt::format(
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{1:.1f}\" text-anchor=\"end\">{2}</text>"
        "<text class=\"tick\" transform=\"translate({3:.1f} {4:.1f}) rotate(-60)\">{2}</text>\n",
        margin - 8, y + cell / 2 + 4, label, across, head - 8);
    for (size_t column = 0; column < count; ++column) {
      int64_t hits = chart.counts[row * count + column];
      double share = total > 0 ? static_cast<double>(hits) / total : 0;
      double x = margin + cell * static_cast<double>(column);
      // Rare errors have to be seen: their opacity starts at a fifth.
      double opacity = hits == 0 ? 0 : row == column ? 0.1 + 0.75 * share : 0.2 + 0.65 * share;
      svg += fmt::format(
          "<rect class=\"{}\" fill-opacity=\"{:.3f}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" rx=\"3\"/>",
          row == column ? "fill0" : "fill3", opacity, x + 1, y + 1, cell - 2, cell - 2);
      svg += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                         hits == 0 ? "nothing" : "value", x + cell / 2, y + cell / 2 + 4, hits);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace weft::examples
