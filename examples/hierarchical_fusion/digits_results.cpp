#include <weft/examples/hierarchical_fusion/digits_results.hpp>

#include <fmt/format.h>

#include <weft/examples/common/report.hpp>
#include <weft/examples/common/run_folder.hpp>
#include <weft/examples/common/statistics.hpp>

namespace weft::examples::hierarchy {
namespace {

LineChart curve(const History& history, const std::string& title, const std::string& column, NumberStyle style) {
  LineChart chart{.title = title, .x_label = "epoch", .y_label = column, .y_style = style};
  chart.series = {{column, history.column("epoch"), history.column(column)}};
  return chart;
}

}  // namespace

void write_digit_metrics(const std::filesystem::path& path, const DigitSet& data, const DigitSummary& summary) {
  MetricsFile file;
  file.set("task", "digits");
  file.set("data", data.name);
  set_run_metrics(file, summary.run, summary.training, summary.parameters);
  file.set_share("test_accuracy", summary.test.hits, summary.test.total);
  file.set("minutes", summary.minutes);
  if (summary.training.history.has("loss")) file.set("epoch loss", summary.training.history.column("loss"));
  file.set_flag("branches", name_of(summary.options.model.branches));
  file.set_flag("learning_rate", summary.options.learning_rate);
  file.set_flag("weight_decay", summary.options.weight_decay);
  file.set_flag("digits_per_batch", summary.options.digits_per_batch);
  file.write(path);
}

void write_digit_report(const std::filesystem::path& path, DigitModel& model, const DigitSet& data,
                        const DigitSummary& summary) {
  const DigitEvaluation& test = summary.test;
  Interval interval = wilson_interval(test.hits, test.total);
  Report report("Digits with two branches",
                fmt::format("{}, branches {}, preset {}, seed {}", data.name, name_of(summary.options.model.branches),
                            summary.run.preset, summary.run.seed));
  report.key_figures({{fmt::format("{:.2f} %", 100 * test.share()), "test accuracy"},
                      {fmt::format("{} of {}", test.hits, test.total), "right"},
                      {fmt::format("{:.1f}", summary.minutes), "minutes"},
                      {std::to_string(summary.parameters), "parameters"}});
  report.section("Accuracy",
                 fmt::format("On the second half of the digits, in the file's order. The 95 % "
                             "interval of one run is {:.2f} to {:.2f} %: differences of a point or less say nothing.",
                             100 * interval.low, 100 * interval.high));
  const History& history = summary.training.history;
  if (!history.empty()) {
    report.chart(curve(history, "Loss", "loss", NumberStyle::plain));
    report.chart(curve(history, "Test accuracy", "test accuracy", NumberStyle::percent));
  }
  std::vector<Figure> looks = digit_looks(model, data);
  if (!looks.empty())
    report
        .section("Where class tokens look",
                 "In the last layer, mean of the heads: that of the small branch among the "
                 "four large patches, that of the large branch among the sixteen small ones.")
        .figures(looks, 112);
  std::vector<std::string> names;
  for (int i = 0; i < digit_classes; ++i) names.push_back(std::to_string(i));
  report.section("Confusions", "Rows are the right answers.").chart(ConfusionChart{"", names, test.confusion});
  std::vector<Figure> wrong = wrong_digits(data, test, 40);
  report.section("Wrong answers", wrong.empty() ? "None on the test half." : "");
  if (!wrong.empty()) report.figures(wrong, 96);
  report.write(path);
}

}  // namespace weft::examples::hierarchy
