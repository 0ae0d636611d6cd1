#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <weft/core/error.hpp>
#include <weft/examples/common/report.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;

namespace {

/// The open tags that the page closes in order, or what is wrong with it; "" when all tags balance.
std::string unbalanced(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    size_t end = page.find('>', at);
    if (end == std::string::npos) return "unfinished tag";
    std::string tag = page.substr(at + 1, end - at - 1);
    if (tag[0] == '!' || tag.back() == '/') continue;
    std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (name[0] != '/') open.push_back(name);
    else if (open.empty() || "/" + open.back() != name)
      return "unexpected <" + tag + "> within " + (open.empty() ? "nothing" : open.back());
    else open.pop_back();
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

Report sample_report() {
  double nan = std::numeric_limits<double>::quiet_NaN();
  Report report("A <title> & \"more\"", "seed 0");
  report.key_figures({{"99.8 %", "accuracy"}, {"67.0 %", "prior"}});
  report.section("Learning", "Loss & accuracy").paragraph("1 < 2");
  LineChart line;
  line.title = "Loss <b>";
  line.series = {{"train", {0, 1, 2, 3}, {3, 2, nan, 1}}, {"test", {1}, {2}}};
  line.references = {{"prior", 0.67}};
  report.chart(line);
  BarChart bars;
  bars.groups = {"yes/no", "color"};
  bars.bars = {{"model", {0.9, nan}}, {"prior", {0.8, 0.2}}};
  report.chart(bars);
  report.chart(ConfusionChart{"Answers", {"yes", "no"}, {10, 1, 0, 12}});
  report.table({{"name", "value"}, {{"<script>", "1.5"}, {"b", "-2"}}, "A caption"});
  report.section("Pictures").figures({{Image(3, 2), "it's \"one\""}, {Image(2, 2), "wrong", true}});
  return report;
}

}  // namespace

TEST_CASE("the balance check sees what is wrong") {
  CHECK(unbalanced("<p>a<br/></p>") == "");
  CHECK(unbalanced("<p><b></p>") != "");
  CHECK(unbalanced("<p>") != "");
}

TEST_CASE("a report is well-formed and self-contained") {
  std::string page = sample_report().html();
  CHECK(unbalanced(page) == "");
  CHECK(page.find("<script") == std::string::npos);
  for (const char* outside : {"http:", "https:", "src=\"/", "url(", "@import"})
    CHECK(page.find(outside) == std::string::npos);
  CHECK(page.find("nan") == std::string::npos);
  CHECK(page.find("A &lt;title&gt; &amp; &quot;more&quot;") != std::string::npos);
  CHECK(page.find("&lt;script&gt;") != std::string::npos);
  CHECK(page.find("data:image/png;base64,iVBORw0KGgo") != std::string::npos);
  CHECK(page.find("<td class=\"number\">-2</td>") != std::string::npos);

  test::TemporaryFolder folder;
  sample_report().write(folder / "run/report.html");
  CHECK(test::read_text(folder / "run/report.html") == page);
}

TEST_CASE("empty charts and tables are still well-formed") {
  Report report("empty");
  report.chart(LineChart{})
      .chart(BarChart{})
      .chart(ConfusionChart{})
      .table({{"a"}, {}, ""})
      .figures({})
      .key_figures({});
  CHECK(unbalanced(report.html()) == "");
}

TEST_CASE("charts refuse lengths that differ") {
  Report report("wrong");
  LineChart line;
  line.series = {{"train", {0, 1}, {3}}};
  CHECK_THROWS_WITH(report.chart(line), "line chart: series train: expected as many y as x = 2, got 1");
  BarChart bars;
  bars.groups = {"a", "b"};
  bars.bars = {{"model", {1}}};
  CHECK_THROWS_WITH(report.chart(bars), "bar chart: bars model: expected one value for each of 2 groups, got 1");
  bars.bars = {{"model", {1, 2}, {0.5}}};
  CHECK_THROWS_WITH(report.chart(bars), "bar chart: bars model: expected one spread for each of 2 groups, got 1");
  CHECK_THROWS_AS(report.chart(ConfusionChart{"", {"a"}, {1, 2}}), ValueError);
  CHECK_THROWS_AS(report.table({{"a", "b"}, {{"1"}}, ""}), ValueError);
}

TEST_CASE("a long curve is thinned to means, and stays small") {
  LineChart chart;
  Series series{"loss", {}, {}};
  for (int i = 0; i < 100'000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i % 2);
  }
  chart.series = {series};
  chart.y_min = 0;
  chart.y_max = 1;
  std::string svg = to_svg(chart);
  CHECK(svg.size() < 20'000);
  CHECK(svg.find(",171.0 ") != std::string::npos);  // the mean of 0 and 1 is half-way between 60 and 282 pixels
}

TEST_CASE("ticks are round and cover the range") {
  CHECK(nice_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(nice_ticks(0, 37, 5) == std::vector<double>{0, 10, 20, 30, 40});
  std::vector<double> ticks = nice_ticks(-3.3, 4.1, 5);
  CHECK(ticks.front() <= -3.3);
  CHECK(ticks.back() >= 4.1);
}

TEST_CASE("bars show their spread, and long names are wrapped") {
  BarChart chart{.title = "", .y_label = "", .groups = {"one", "a rather long name of several words"}};
  for (int i = 0; i < 5; ++i) chart.groups.push_back("more");
  chart.bars = {{"model", {1, 2, 3, 4, 5, 6, 7}}};
  std::string plain = to_svg(chart);
  CHECK(plain.find("class=\"spread\"") == std::string::npos);
  CHECK(plain.find(">a rather long name of several words<") == std::string::npos);
  CHECK(plain.find(">a rather<") != std::string::npos);
  chart.bars[0].spread = {0, 0.5, 0, 0, automatic, 0, 1};
  std::string spread = to_svg(chart);
  size_t bars = 0;
  for (size_t at = 0; (at = spread.find("class=\"spread\"", at)) != std::string::npos; ++at) ++bars;
  CHECK(bars == 2);
}
