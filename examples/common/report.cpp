#include <weft/examples/common/report.hpp>

#include <cctype>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/examples/common/files.hpp>
#include <weft/examples/common/png.hpp>

namespace weft::examples {
namespace {

constexpr const char* style = R"css(
:root { color-scheme: light dark; --paper: #fdfcfa; --ink: #24292f; --soft: #68707a; --rule: #e3e0da; --panel: #ffffff;
  --c0: #33689e; --c1: #d3802c; --c2: #3d9166; --c3: #b8455a; --c4: #7a5fae; --c5: #667885; }
@media (prefers-color-scheme: dark) { :root { --paper: #16191d; --ink: #e3e6ea; --soft: #99a2ac; --rule: #2e343b;
  --panel: #1d2126; --c0: #6ba4dc; --c1: #e8a157; --c2: #62b98b; --c3: #e27388; --c4: #a78ddb; --c5: #93a5b2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 980px; padding: 40px 24px 80px; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; } h2 { font-size: 21px; margin: 52px 0 8px; }
p { margin: 8px 0 16px; max-width: 74ch; } .subtitle, .lead { color: var(--soft); }
nav { margin: 18px 0 0; font-size: 14px; } nav a { color: var(--c0); text-decoration: none; margin-right: 16px; }
.key { display: flex; flex-wrap: wrap; gap: 12px; margin: 26px 0; }
.key div { flex: 1 1 130px; background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px; }
.key b { display: block; font-size: 25px; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.key span { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; margin: 14px 0 22px; }
table { border-collapse: collapse; font-size: 14.5px; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; color: var(--soft); font-size: 13px; padding-top: 8px; }
th, td { padding: 6px 18px 6px 0; border-bottom: 1px solid var(--rule); text-align: left; }
th { color: var(--soft); font-weight: 600; } .number { text-align: right; }
.chart { max-width: 760px; background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 12px;
  margin: 14px 0; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.title { fill: var(--ink); font-size: 15px; font-weight: 600; } .tick { fill: var(--soft); font-size: 12px; }
.value { fill: var(--ink); font-size: 11px; } .nothing { fill: var(--rule); font-size: 11px; }
.spread { fill: none; stroke: var(--ink); } .grid { stroke: var(--rule); } .reference { stroke: var(--soft); stroke-dasharray: 5 4; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line0 { stroke: var(--c0); } .line1 { stroke: var(--c1); } .line2 { stroke: var(--c2); }
.line3 { stroke: var(--c3); } .line4 { stroke: var(--c4); } .line5 { stroke: var(--c5); }
.fill0 { fill: var(--c0); } .fill1 { fill: var(--c1); } .fill2 { fill: var(--c2); }
.fill3 { fill: var(--c3); } .fill4 { fill: var(--c4); } .fill5 { fill: var(--c5); }
.figures { display: flex; flex-wrap: wrap; gap: 14px; margin: 14px 0 22px; }
figure { margin: 0; } figure img { display: block; width: 100%; image-rendering: pixelated; border-radius: 4px; }
figcaption { font-size: 12.5px; line-height: 1.35; margin-top: 5px; color: var(--soft); overflow-wrap: anywhere; }
.wrong figcaption { color: var(--c3); }
@media print { :root { --paper: #ffffff; } body { max-width: none; padding: 0; } nav { display: none; }
  .chart, figure, .key div, tr { break-inside: avoid; } h2 { break-after: avoid; } }
)css";

bool is_number(const std::string& cell) {
  if (cell.empty() || !(std::isdigit(static_cast<unsigned char>(cell[0])) || cell[0] == '-' || cell[0] == '+'))
    return false;
  return cell.find_first_not_of("0123456789.,+-eE% ()/[]–±") == std::string::npos;
}

std::string cell_markup(const char* tag, const std::string& text, bool number) {
  return fmt::format("<{0}{1}>{2}</{0}>", tag, number ? " class=\"number\"" : "", escape_markup(text));
}

}  // namespace

Report::Report(std::string title, std::string subtitle) : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

Report& Report::add(const std::string& markup) {
  body_ += markup;
  return *this;
}

Report& Report::section(const std::string& title, const std::string& lead) {
  sections_.push_back(title);
  add(fmt::format("<h2 id=\"s{}\">{}</h2>\n", sections_.size(), escape_markup(title)));
  return lead.empty() ? *this : add(fmt::format("<p class=\"lead\">{}</p>\n", escape_markup(lead)));
}

Report& Report::paragraph(const std::string& text) { return add("<p>" + escape_markup(text) + "</p>\n"); }

Report& Report::key_figures(const std::vector<std::pair<std::string, std::string>>& value_and_label) {
  std::string markup = "<div class=\"key\">\n";
  for (const auto& [value, label] : value_and_label)
    markup += fmt::format("<div><b>{}</b><span>{}</span></div>\n", escape_markup(value), escape_markup(label));
  return add(markup + "</div>\n");
}

Report& Report::table(const Table& table) {
  std::vector<char> numeric(table.header.size(), table.rows.empty() ? 0 : 1);
  for (const auto& row : table.rows) {
    if (row.size() != table.header.size())
      throw ValueError(
          fmt::format("report table: expected {} cells in each row, got {}", table.header.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      if (!row[i].empty() && !is_number(row[i])) numeric[i] = 0;
  }
  std::string markup = "<div class=\"scroll\"><table>\n";
  if (!table.caption.empty()) markup += "<caption>" + escape_markup(table.caption) + "</caption>\n";
  markup += "<thead><tr>";
  for (size_t i = 0; i < table.header.size(); ++i) markup += cell_markup("th", table.header[i], numeric[i]);
  markup += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    markup += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) markup += cell_markup("td", row[i], numeric[i]);
    markup += "</tr>\n";
  }
  return add(markup + "</tbody></table></div>\n");
}

Report& Report::chart(const LineChart& chart) { return add("<div class=\"chart\">" + to_svg(chart) + "</div>\n"); }
Report& Report::chart(const BarChart& chart) { return add("<div class=\"chart\">" + to_svg(chart) + "</div>\n"); }
Report& Report::chart(const ConfusionChart& chart) { return add("<div class=\"chart\">" + to_svg(chart) + "</div>\n"); }

Report& Report::figures(const std::vector<Figure>& figures, int shown_width) {
  std::string markup = "<div class=\"figures\">\n";
  for (const Figure& figure : figures) {
    markup += fmt::format("<figure{} style=\"width:{}px\"><img alt=\"{}\" src=\"data:image/png;base64,{}\"/>",
                          figure.highlight ? " class=\"wrong\"" : "", shown_width, escape_markup(figure.caption),
                          base64(encode_png(figure.image)));
    markup += "<figcaption>" + escape_markup(figure.caption) + "</figcaption></figure>\n";
  }
  return add(markup + "</div>\n");
}

std::string Report::html() const {
  std::string title = escape_markup(title_), contents;
  for (size_t i = 0; i < sections_.size(); ++i)
    contents += fmt::format("<a href=\"#s{}\">{}</a>\n", i + 1, escape_markup(sections_[i]));
  std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" + title + "</title>\n";
  page += std::string("<style>") + style + "</style>\n</head>\n<body>\n<h1>" + title + "</h1>\n";
  if (!subtitle_.empty()) page += "<p class=\"subtitle\">" + escape_markup(subtitle_) + "</p>\n";
  if (sections_.size() > 1) page += "<nav>" + contents + "</nav>\n";
  return page + body_ + "</body>\n</html>\n";
}

void Report::write(const std::filesystem::path& path) const { replace_file(path, html()); }

}  // namespace weft::examples
