#include <weft/examples/vqa/vqa_report.hpp>

#include <cmath>
#include <cstdio>

#include <weft/core/file.hpp>
#include <weft/examples/common/image.hpp>
#include <weft/examples/common/statistics.hpp>
#include <weft/examples/vqa/object_mask.hpp>

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

void add_curves(Report& report, const RunSummary& summary) {
  LineChart loss{.title = "Loss", .x_label = "epoch", .y_label = "cross-entropy", .series = {{"training", {}, {}}}};
  LineChart accuracy{.title = "Test accuracy",
                     .x_label = "epoch",
                     .y_label = "accuracy",
                     .series = {{"yes/no", {}, {}}, {"color", {}, {}}, {"shape", {}, {}}},
                     .references = {{"question only", summary.prior}},
                     .y_style = NumberStyle::percent,
                     .y_max = 1};
  for (const EpochRow& row : summary.training.history) {
    auto epoch = static_cast<double>(row.epoch);
    loss.series[0].x.push_back(epoch);
    loss.series[0].y.push_back(row.loss);
    double values[] = {row.yes_no, row.color, row.shape};
    for (size_t i = 0; i < 3; ++i) {
      accuracy.series[i].x.push_back(epoch);
      accuracy.series[i].y.push_back(values[i]);
    }
  }
  report.chart(loss).chart(accuracy);
}

/// One picture with a question: the picture, then where each word looks in a layer, mean of the heads.
std::vector<Figure> word_figures(VqaModel& model, const DataSet& data, const Question& question) {
  const Split& split = data.test;
  Batch batch = make_batch(split.pixels_of(question.picture), split.height, split.width, {question.tokens});
  std::vector<Tensor> maps = attention_maps(model, batch);
  Image picture = picture_of(split, question.picture);
  std::vector<uint8_t> mask = object_mask(split.pixels_of(question.picture), split.height, split.width);
  std::vector<Figure> figures{
      {upscale(picture, 3), question.text + "  " + data.answers[static_cast<size_t>(question.answer)]}};
  auto tokens = static_cast<int64_t>(question.tokens.size());
  auto grid = static_cast<int64_t>(
      std::lround(std::sqrt(static_cast<double>((split.height + 7) / 8 * ((split.width + 7) / 8)))));
  const Tensor& weights = maps.back();
  int64_t heads = weights.size(1), rows = weights.size(2), columns = weights.size(3), cells = grid * grid;
  std::vector<float> values = weights.to_vector<float>();
  for (int64_t word = 0; word < tokens; ++word) {
    std::vector<float> heat(static_cast<size_t>(cells), 0);
    float nowhere = 0;
    for (int64_t h = 0; h < heads; ++h) {
      const float* row = values.data() + (h * rows + word) * columns;
      for (int64_t c = 0; c < cells; ++c) heat[static_cast<size_t>(c)] += row[c] / static_cast<float>(heads);
      if (columns > cells) nowhere += row[cells] / static_cast<float>(heads);
    }
    Image shown = overlay_heat(upscale(picture, 3), heat, grid, grid);
    draw_mask_outline(shown, mask, split.width, split.height, {255, 255, 255});
    std::string name = word == 0 ? "(answer)" : data.vocabulary.word(question.tokens[static_cast<size_t>(word)]);
    figures.push_back({shown, name + ", nothing " + percent(nowhere, 0)});
  }
  return figures;
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

BarChart kinds_chart(const DataSet& data, const Evaluation& test) {
  AccuracyByKind prior = QuestionOnlyPrior(data.train).accuracy(data.test);
  BarChart chart{
      .title = "Accuracy by kind of question", .y_label = "accuracy", .y_style = NumberStyle::percent, .y_max = 1};
  chart.bars = {{"the model", {}}, {"question only", {}}};
  for (AnswerKind kind : answer_kinds) {
    chart.groups.push_back(name_of(kind));
    chart.bars[0].values.push_back(test.accuracy.of(kind).share());
    chart.bars[1].values.push_back(prior.of(kind).share());
  }
  return chart;
}

}  // namespace

void write_metrics(const std::filesystem::path& path, const DataSet& data, const RunSummary& summary) {
  MetricsFile file;
  file.set("data", data.name);
  file.set_run(static_cast<int64_t>(summary.options.seed), num_threads());
  AccuracyByKind::Count all = summary.test.accuracy.all();
  file.set_share("test_accuracy", all.hits, all.total);
  for (AnswerKind kind : answer_kinds) {
    std::string name = std::string("test_accuracy_") + (kind == AnswerKind::yes_no ? "yes_no" : name_of(kind));
    file.set_share(name, summary.test.accuracy.of(kind).hits, summary.test.accuracy.of(kind).total);
  }
  file.set_share("pointing", summary.test.pointed, summary.test.pointing_total);
  file.set("prior", summary.prior);
  file.set("majority", summary.majority);
  file.set("parameters", summary.parameters);
  file.set("steps", summary.training.steps);
  file.set("epochs", static_cast<int64_t>(summary.training.history.size()));
  file.set("training_seconds", summary.training.seconds);
  file.set("minutes", summary.minutes);
  std::vector<double> losses, accuracies;
  for (const EpochRow& row : summary.training.history) {
    losses.push_back(row.loss);
    accuracies.push_back(row.accuracy);
  }
  file.set("epoch_loss", losses);
  file.set("epoch_test_accuracy", accuracies);
  file.set_flag("preset", summary.options.preset);
  file.set_flag("epochs", summary.options.epochs);
  file.set_flag("learning_rate", summary.options.learning_rate);
  file.set_flag("pictures_per_batch", summary.options.pictures_per_batch);
  file.write(path);
}

void write_report(const std::filesystem::path& path, VqaModel& model, const DataSet& data, const RunSummary& summary) {
  const AccuracyByKind& accuracy = summary.test.accuracy;
  Report report("Visual question answering",
                data.name + ", preset " + summary.options.preset + ", seed " + std::to_string(summary.options.seed));
  double pointing = static_cast<double>(summary.test.pointed) /
                    static_cast<double>(std::max<int64_t>(summary.test.pointing_total, 1));
  report.key_figures({{percent(accuracy.all().share()), "test accuracy"},
                      {percent(summary.prior), "without looking"},
                      {percent(pointing, 1), "attention on the shape"},
                      {number(summary.minutes), "minutes"},
                      {std::to_string(summary.parameters), "parameters"}});
  report.section("Accuracy",
                 "On the test split, with 95 % intervals. Without looking is the most frequent training answer "
                 "to the same question.");
  Table table{.header = {"questions", "count", "accuracy"}, .rows = {}, .caption = ""};
  for (AnswerKind kind : answer_kinds)
    table.rows.push_back({name_of(kind), std::to_string(accuracy.of(kind).total), with_interval(accuracy.of(kind))});
  table.rows.push_back({"all", std::to_string(accuracy.all().total), with_interval(accuracy.all())});
  report.table(table).chart(kinds_chart(data, summary.test));
  report.section("Training");
  add_curves(report, summary);
  report.section(
      "Where the words look",
      "The last cross layer, mean of its heads; the shape is outlined. The classifier reads the first token, "
      "(answer). Below each map: how much of the attention went to the null slot.");
  int shown = 0;
  for (AnswerKind kind : {AnswerKind::color, AnswerKind::shape, AnswerKind::yes_no}) {
    int of_kind = 0;
    for (size_t i = 0; i < data.test.questions.size() && of_kind < 2; i += 97) {
      const Question& question = data.test.questions[i];
      if (question.kind != kind) continue;
      report.figures(word_figures(model, data, question), 150);
      ++of_kind;
      ++shown;
    }
  }
  if (shown == 0) report.paragraph("No test question was at hand.");
  report.section("Confusions", "Rows are the right answers.");
  report.chart(ConfusionChart{"", data.answers, summary.test.confusion});
  std::vector<Figure> wrong = wrong_answers(data, summary.test, 20);
  report.section("Wrong answers", wrong.empty() ? "None on the test split." : "The first of them.");
  if (!wrong.empty()) report.figures(wrong, 130);
  report.write(path);
}

void write_ablation(const std::filesystem::path& folder, const DataSet& data, const TrainingOptions& options,
                    const std::vector<AblationRow>& rows) {
  QuestionOnlyPrior prior(data.train);
  double prior_share = prior.accuracy(data.test).all().share();
  Table table{
      .header = {"variant", "all", "yes/no", "color", "shape", "pointing", "minutes"}, .rows = {}, .caption = ""};
  MetricsFile file;
  file.set("data", data.name);
  file.set_run(static_cast<int64_t>(options.seed), num_threads());
  file.set_flag("preset", options.preset);
  file.set_flag("epochs", options.epochs);
  file.set("prior", prior_share);
  std::string markdown =
      "| variant | what | all | yes/no | color | shape | pointing | minutes |\n|---|---|---|---|---|---|---|---|\n";
  BarChart chart{.title = "Accuracy", .y_label = "accuracy", .y_style = NumberStyle::percent, .y_max = 1};
  chart.bars = {{"test accuracy", {}}};
  for (const AblationRow& row : rows) {
    std::vector<std::string> cells{percent(row.accuracy.all().share())};
    for (AnswerKind kind : answer_kinds) cells.push_back(percent(row.accuracy.of(kind).share()));
    cells.push_back(percent(row.pointing, 1));
    cells.push_back(row.minutes > 0 ? number(row.minutes) : "-");
    markdown += "| " + row.name + " | " + row.meaning;
    for (const std::string& cell : cells) markdown += " | " + cell;
    markdown += " |\n";
    cells.insert(cells.begin(), row.name + ": " + row.meaning);
    table.rows.push_back(cells);
    chart.groups.push_back(row.name);
    chart.bars[0].values.push_back(row.accuracy.all().share());
    file.set_share(row.name, row.accuracy.all().hits, row.accuracy.all().total);
    if (std::isfinite(row.pointing)) file.set(row.name + ", pointing", row.pointing);
  }
  Report report("Ablations: visual question answering",
                data.name + ", preset " + options.preset + ", seed " + std::to_string(options.seed));
  report.section("Results",
                 "Question only, the share of right answers that needs no picture: " + percent(prior_share) + ".");
  report.table(table).chart(chart);
  report.write(folder / "ablation.html");
  write_file((folder / "ablation.md").string(), markdown);
  file.write(folder / "ablation.json");
}

}  // namespace weft::examples::vqa
