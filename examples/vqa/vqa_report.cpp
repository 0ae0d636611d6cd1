#include <weft/examples/vqa/vqa_report.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

#include <weft/core/file.hpp>
#include <weft/examples/common/ablation_table.hpp>
#include <weft/examples/common/image.hpp>
#include <weft/examples/common/statistics.hpp>
#include <weft/examples/vqa/word_maps.hpp>

namespace weft::examples::vqa {
namespace {

std::string percent(double share, int digits = 2) {
  if (!std::isfinite(share)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %%", digits, 100 * share);
  return text;
}

std::string number(double value, const char* format = "%.1f") {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string with_interval(const AccuracyByKind::Count& count) {
  Interval interval = wilson_interval(count.hits, count.total);
  return percent(count.share()) + " [" + percent(interval.low) + ", " + percent(interval.high) + "]";
}

Image picture_of(const Split& split, int64_t picture) {
  return Image(split.width, split.height, split.pixels_of(picture));
}

void add_curves(Report& report, const DataSet& data, const RunSummary& summary) {
  const History& history = summary.training.history;
  std::vector<double> epochs = history.column("epoch");
  LineChart loss{.title = "Loss",
                 .x_label = "epoch",
                 .y_label = "cross-entropy",
                 .series = {{"training", epochs, history.column("loss")}}};
  LineChart accuracy{.title = "Test accuracy",
                     .x_label = "epoch",
                     .y_label = "accuracy",
                     .references = {{"question only", summary.prior}},
                     .y_style = NumberStyle::percent,
                     .y_max = 1};
  for (const std::string& group : data.groups())
    if (history.has(group)) accuracy.series.push_back({group, epochs, history.column(group)});
  report.chart(loss).chart(accuracy);
}

/// How often words look at what they name, and the answer token at what the answer is read off, for each cross layer.
void add_pointing(Report& report, const Evaluation& test) {
  Table table{.header = {"cross layer", "a color word looks at its object", "(answer) looks at the answer's object"},
              .rows = {},
              .caption = "The most attended cell, mean of the heads, lies within 8 pixels of the object's middle."};
  for (size_t i = 0; i < test.naming.size(); ++i)
    table.rows.push_back(
        {std::to_string(i + 1), percent(test.naming[i].share(), 1), percent(test.pointing_by_layer[i].share(), 1)});
  report.table(table);
}

/// Every word in every layer, of one question for each kind; of the first, every head of the last layer too.
void add_word_maps(Report& report, VqaModel& model, const DataSet& data, const Evaluation& test) {
  if (model.cross.empty()) return;
  const std::string outlines =
      data.test.objects.empty() ? "" : "White boxes: what the question names; black: what its answer is read off. ";
  report.section("Where the words look", "One row for each cross layer, mean of its heads. " + outlines +
                                             "The classifier reads the first token, (answer). Below each map: how much "
                                             "of the attention went to the null slot.");
  if (!test.naming.empty() && test.naming.front().total > 0) add_pointing(report, test);
  bool first = true;
  for (size_t kind = 0; kind < data.kinds.size(); ++kind) {
    size_t place = 0;
    const std::vector<Question>& questions = data.test.questions;
    while (place < questions.size() && questions[place].kind != static_cast<int32_t>(kind)) ++place;
    if (place == questions.size()) continue;
    const Question& question = questions[place];
    WordMaps maps(model, data.vocabulary, data.test.pixels_of(question.picture), data.test.height, data.test.width,
                  question.tokens);
    std::string said = data.answers[static_cast<size_t>(test.predictions[place])];
    report.paragraph(data.kinds[kind].name + ": " + question.text + " " + said +
                     (test.predictions[place] == question.answer ? "" : " (wrong)"));
    for (int64_t layer = 0; layer < maps.layers(); ++layer)
      report.figures(word_figures(maps, data, question, layer), 92);
    if (first)
      for (int64_t head = 0; head < maps.heads() && maps.heads() > 1; ++head)
        report.figures(word_figures(maps, data, question, maps.layers() - 1, head), 92);
    first = false;
  }
}

std::vector<Figure> wrong_answers(const DataSet& data, const Evaluation& test, size_t most) {
  std::vector<Figure> figures;
  for (size_t i = 0; i < data.test.questions.size() && figures.size() < most; ++i) {
    const Question& question = data.test.questions[i];
    if (test.predictions[i] == question.answer) continue;
    figures.push_back({upscale(picture_of(data.test, question.picture), 2),
                       question.text + "  said " + data.answers[static_cast<size_t>(test.predictions[i])] + ", is " +
                           data.answers[static_cast<size_t>(question.answer)],
                       true});
  }
  return figures;
}

double whole_percent(double share) { return std::round(100 * share) / 100; }

struct Published {
  std::string name;
  std::vector<double> shares;  // for each group
};

/// Relation network (code of kimhc6028) and the transformer of "Discrete-Valued Neural Communication" (Liu et al.
/// 2021), on other pictures of the same kind.
std::vector<Published> published_results(Recipe recipe) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  if (recipe != Recipe::sort_of_clevr) return {};
  return {{"relation network", {0.99, 0.89, none}}, {"transformer", {0.98, 0.76, 0.57}}};
}

/// Where groups consist of several kinds.
void add_kinds(Report& report, const DataSet& data, const Evaluation& test) {
  AccuracyByKind prior = QuestionOnlyPrior(data).accuracy(data.test);
  Table table{
      .header = {"kind", "group", "count", "accuracy", "without looking", "pointing"}, .rows = {}, .caption = ""};
  BarChart chart{.title = "Every kind", .y_label = "accuracy", .y_style = NumberStyle::percent, .y_max = 1};
  chart.bars = {{"the model", {}}, {"question only", {}}};
  for (size_t i = 0; i < data.kinds.size(); ++i) {
    const auto kind = static_cast<int32_t>(i);
    table.rows.push_back({data.kinds[i].name, data.kinds[i].group, std::to_string(test.accuracy.of(kind).total),
                          with_interval(test.accuracy.of(kind)), percent(prior.of(kind).share()),
                          percent(test.pointing.of(kind).share(), 1)});
    chart.groups.push_back(data.kinds[i].name);
    chart.bars[0].values.push_back(whole_percent(test.accuracy.of(kind).share()));
    chart.bars[1].values.push_back(whole_percent(prior.of(kind).share()));
  }
  report.table(table).chart(chart);
}

BarChart kinds_chart(const DataSet& data, const Evaluation& test) {
  AccuracyByKind prior = QuestionOnlyPrior(data).accuracy(data.test);
  BarChart chart{.title = "Accuracy by kind of question", .y_label = "", .y_style = NumberStyle::percent, .y_max = 1};
  chart.bars = {{"the model", {}}, {"question only", {}}};
  for (const std::string& group : data.groups()) {
    chart.groups.push_back(group);
    chart.bars[0].values.push_back(whole_percent(test.accuracy.of_group(group).share()));
    chart.bars[1].values.push_back(whole_percent(prior.of_group(group).share()));
  }
  for (const Published& published : published_results(data.recipe)) {
    chart.bars.push_back({published.name, published.shares});
    chart.bars.back().values.resize(chart.groups.size(), std::numeric_limits<double>::quiet_NaN());
  }
  return chart;
}

constexpr size_t most_confusions = 30;

/// Of all answers or, where there are too many to show, of those that are right most often.
ConfusionChart confusion_chart(const DataSet& data, const std::vector<int64_t>& counts) {
  const size_t answers = data.answers.size();
  if (answers <= most_confusions) return {"", data.answers, counts};
  std::vector<int64_t> asked(answers);
  for (size_t i = 0; i < counts.size(); ++i) asked[i / answers] += counts[i];
  std::vector<size_t> shown(answers);
  std::iota(shown.begin(), shown.end(), size_t{0});
  std::stable_sort(shown.begin(), shown.end(), [&](size_t a, size_t b) { return asked[a] > asked[b]; });
  shown.resize(most_confusions);
  ConfusionChart chart{"", {}, {}};
  for (size_t row : shown) {
    chart.labels.push_back(data.answers[row]);
    for (size_t column : shown) chart.counts.push_back(counts[row * answers + column]);
  }
  return chart;
}

}  // namespace

void write_metrics(const std::filesystem::path& path, const DataSet& data, const RunSummary& summary) {
  MetricsFile file;
  file.set("data", data.name);
  set_run_metrics(file, summary.options.run, summary.training, summary.parameters);
  AccuracyByKind::Count all = summary.test.accuracy.all();
  file.set_share("test_accuracy", all.hits, all.total);
  for (const std::string& group : data.groups()) {
    AccuracyByKind::Count count = summary.test.accuracy.of_group(group);
    file.set_share("test_accuracy_" + (group == "yes/no" ? "yes_no" : group), count.hits, count.total);
  }
  if (data.kinds.size() > data.groups().size())
    for (size_t i = 0; i < data.kinds.size(); ++i) {
      const auto kind = static_cast<int32_t>(i);
      file.set_share("test_accuracy_kind_" + data.kinds[i].name, summary.test.accuracy.of(kind).hits,
                     summary.test.accuracy.of(kind).total);
      if (summary.test.pointing.of(kind).total > 0)
        file.set_share("pointing_" + data.kinds[i].name, summary.test.pointing.of(kind).hits,
                       summary.test.pointing.of(kind).total);
    }
  for (size_t i = 0; i < summary.test.naming.size(); ++i) {
    const std::string layer = i == 0 ? "" : "_layer_" + std::to_string(i + 1);
    const AccuracyByKind::Count &naming = summary.test.naming[i], &pointing = summary.test.pointing_by_layer[i];
    if (naming.total > 0) file.set_share("naming" + layer, naming.hits, naming.total);
    if (pointing.total > 0) file.set("pointing_layer_" + std::to_string(i + 1), pointing.share());
  }
  file.set_share("pointing", summary.test.pointing.all().hits, summary.test.pointing.all().total);
  file.set("prior", summary.prior);
  file.set("majority", summary.majority);
  file.set("minutes", summary.minutes);
  const History& history = summary.training.history;
  if (!history.empty()) file.set("epoch_loss", history.column("loss"));
  if (history.has("accuracy")) file.set("epoch_test_accuracy", history.column("accuracy"));
  file.set_flag("learning_rate", summary.options.learning_rate);
  file.set_flag("pictures_per_batch", summary.options.pictures_per_batch);
  file.write(path);
}

void write_report(const std::filesystem::path& path, VqaModel& model, const DataSet& data, const RunSummary& summary) {
  const AccuracyByKind& accuracy = summary.test.accuracy;
  Report report("Visual question answering", data.name + ", preset " + summary.options.run.preset + ", seed " +
                                                 std::to_string(summary.options.run.seed));
  double pointing = summary.test.pointing.all().share();
  report.key_figures({{percent(accuracy.all().share()), "test accuracy"},
                      {percent(summary.prior), "without looking"},
                      {percent(pointing, 1),
                       data.test.objects.empty() ? "attention on the shape" : "attention on the answer's object"},
                      {number(summary.minutes), "minutes"},
                      {std::to_string(summary.parameters), "parameters"}});
  report.section("Accuracy",
                 "On the test split, with 95 % intervals. Without looking is the most frequent training answer "
                 "to the same question.");
  Table table{.header = {"questions", "count", "accuracy"}, .rows = {}, .caption = ""};
  for (const std::string& group : data.groups()) {
    AccuracyByKind::Count count = accuracy.of_group(group);
    table.rows.push_back({group, std::to_string(count.total), with_interval(count)});
  }
  table.rows.push_back({"all", std::to_string(accuracy.all().total), with_interval(accuracy.all())});
  report.table(table).chart(kinds_chart(data, summary.test));
  if (data.kinds.size() > data.groups().size()) add_kinds(report, data, summary.test);
  if (!summary.training.history.empty()) {
    report.section("Training");
    add_curves(report, data, summary);
  }
  add_word_maps(report, model, data, summary.test);
  report.section("Confusions", data.answers.size() <= most_confusions
                                   ? "Rows are the right answers."
                                   : "Rows are the right answers, the most frequent ones alone.");
  report.chart(confusion_chart(data, summary.test.confusion));
  std::vector<Figure> wrong = wrong_answers(data, summary.test, 20);
  report.section("Wrong answers", wrong.empty() ? "None on the test split." : "The first of them.");
  if (!wrong.empty()) report.figures(wrong, 130);
  report.write(path);
}

void write_ablation(const std::filesystem::path& folder, const DataSet& data, const TrainingOptions& options,
                    const std::vector<AblationRow>& rows) {
  double prior = QuestionOnlyPrior(data).accuracy(data.test).all().share();
  AblationTable table{
      .title = "Ablations: visual question answering",
      .subtitle = data.name + ", preset " + options.run.preset + ", seed " + std::to_string(options.run.seed),
      .lead = "Question only, the share of right answers that needs no picture: " + percent(prior) + ".",
      .columns = {{"all"}}};
  for (const std::string& group : data.groups()) table.columns.push_back({group});
  table.columns.push_back({.name = "pointing", .decimals = 1});
  const bool named = !data.test.objects.empty();
  if (named) table.columns.push_back({.name = "naming", .decimals = 1});
  table.columns.push_back({.name = "parameters", .style = NumberStyle::plain, .decimals = 0});
  MetricsFile file;
  file.set("data", data.name);
  file.set_run(static_cast<int64_t>(options.run.seed), num_threads());
  file.set_flag("preset", options.run.preset);
  file.set_flag("epochs", options.run.fit(options.epochs).epochs);
  file.set("prior", prior);
  for (const AblationRow& row : rows) {
    std::vector<double> values{row.accuracy.all().share()};
    for (const std::string& group : data.groups()) values.push_back(row.accuracy.of_group(group).share());
    values.push_back(row.pointing);
    if (named) values.push_back(row.naming);
    values.push_back(static_cast<double>(row.parameters));
    table.add({.name = row.name, .meaning = row.meaning, .values = values, .minutes = row.minutes});
    file.set_share(row.name, row.accuracy.all().hits, row.accuracy.all().total);
  }
  table.write(folder, file);
}

}  // namespace weft::examples::vqa
