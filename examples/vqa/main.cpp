// Visual question answering: `vqa train`, `vqa evaluate`, `vqa ablate`, `vqa ask`, `vqa draw`,
// `vqa table`.

#include <chrono>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <weft/core/file.hpp>
#include <weft/examples/common/csv.hpp>
#include <weft/examples/common/default_device.hpp>
#include <weft/examples/common/picture.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/examples/vqa/clevr.hpp>
#include <weft/examples/vqa/results_table.hpp>
#include <weft/examples/vqa/sort_of_clevr.hpp>
#include <weft/examples/vqa/synthetic.hpp>
#include <weft/examples/vqa/vqa_report.hpp>
#include <weft/examples/vqa/vqa_v2.hpp>
#include <weft/examples/vqa/word_maps.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::vqa;

namespace {

struct Arguments {
  RunOptions run;
  std::string data = "easy-vqa", data_dir, protocol = "fresh", labels = "fixed", picture, question, words;
  int64_t count = 8, most_pictures = 0, most_test_pictures = 0, width = 96, height = 0;
  bool synthetic = false, official = false;
};

DataSet load_easy_vqa_or_draw(const std::filesystem::path& folder) {
  if (has_easy_vqa(folder)) return load_easy_vqa(folder);
  std::fprintf(stderr, "no easy-VQA in '%s' (examples/vqa/fetch_data.sh gets it): drawing pictures of the same kind\n",
               folder.c_str());
  return make_synthetic();
}

DataSet load(const Arguments& arguments) {
  const std::string& name = arguments.data;
  if (arguments.official && name != "vqa-v2") throw ValueError("--official: expected --data vqa-v2, got " + name);
  if (arguments.synthetic || name == "synthetic") return make_synthetic();
  if (name == "easy-vqa")
    return load_easy_vqa_or_draw(arguments.data_dir.empty() ? "data/easy-vqa" : arguments.data_dir);
  if (name == "clevr")
    return load_clevr(arguments.data_dir.empty() ? "data/clevr" : arguments.data_dir,
                      {.width = arguments.width,
                       .height = arguments.height > 0 ? arguments.height : arguments.width * 2 / 3,
                       .most_train_pictures = arguments.most_pictures,
                       .most_test_pictures = arguments.most_test_pictures});
  if (name == "vqa-v2")
    return load_vqa_v2(arguments.data_dir.empty() ? "data/vqa-v2" : arguments.data_dir,
                       {.width = arguments.width,
                        .height = arguments.height > 0 ? arguments.height : arguments.width,
                        .most_train_pictures = arguments.most_pictures,
                        .most_test_pictures = arguments.most_test_pictures});
  SortOfClevrOptions options = sort_of_clevr_protocol(arguments.protocol);
  options.labels = sort_of_clevr_labels(arguments.labels);
  return make_sort_of_clevr(options);
}

TrainingOptions training_options(const DataSet& data, const Arguments& arguments) {
  TrainingOptions options = training_options(data, arguments.run);
  if (arguments.most_pictures > 0) options.most_pictures = arguments.most_pictures;
  return options;
}

/// The official accuracy of VQA v2 and its result file, when asked for.
void write_official(const Arguments& arguments, const DataSet& data, const Evaluation& test) {
  if (!arguments.official) return;
  const OfficialAccuracy accuracy = official_accuracy(data, test.predictions);
  std::printf("official       %.2f %%", 100 * accuracy.all);
  for (size_t i = 0; i < data.kinds.size(); ++i)
    std::printf("  %s %.2f %%", data.kinds[i].name.c_str(), 100 * accuracy.of_kind[i]);
  const std::filesystem::path path = arguments.run.out / "vqa_results.json";
  write_vqa_results(path, data, test.predictions);
  std::printf("\nresults        %s\n", path.c_str());
}

void print_summary(const DataSet& data, const RunSummary& summary, const std::filesystem::path& report) {
  AccuracyByKind::Count all = summary.test.accuracy.all();
  std::printf("test accuracy  %.2f %%  (%lld of %lld questions)\n", 100 * all.share(), static_cast<long long>(all.hits),
              static_cast<long long>(all.total));
  for (const std::string& group : data.groups())
    std::printf("  %-12s %.2f %%\n", group.c_str(), 100 * summary.test.accuracy.of_group(group).share());
  std::printf("prior          %.2f %%  (the question alone)\n", 100 * summary.prior);
  if (summary.test.pointing.all().total > 0)
    std::printf("attention      %.1f %%  on what the answer is read off\n", 100 * summary.test.pointing.all().share());
  std::printf("minutes        %.1f\n", summary.minutes);
  std::printf("report         %s\n", report.c_str());
}

int train_command(const Arguments& arguments) {
  auto start = std::chrono::steady_clock::now();
  DataSet data = load(arguments);
  TrainingOptions options = training_options(data, arguments);
  RunFolder folder(arguments.run.out);
  VqaModel model = make_model(data, model_options(data), arguments.run.seed);
  if (!arguments.run.quiet)
    std::fprintf(stderr, "%s: %lld pictures, %zu questions; %lld parameters; %d threads\n", data.name.c_str(),
                 static_cast<long long>(data.train.pictures), data.train.questions.size(),
                 static_cast<long long>(num_parameters(model)), num_threads());
  RunSummary summary{.options = options};
  summary.training = run_training(model, data, options);
  if (!summary.training.finished) {
    std::printf("stopped at step %lld; go on with --resume\n", static_cast<long long>(summary.training.steps));
    return 0;
  }
  summary.test = evaluate(model, data, data.test, {.pointing = true});
  QuestionOnlyPrior prior(data);
  summary.prior = prior.accuracy(data.test).all().share();
  summary.majority = prior.majority_accuracy(data.test);
  summary.parameters = num_parameters(model);
  summary.minutes = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
  write_metrics(folder.metrics(), data, summary);
  write_curves(folder, summary.training.history);
  write_report(folder.report(), model, data, summary);
  print_summary(data, summary, folder.report());
  write_official(arguments, data, summary.test);
  return arguments.run.judge(summary.test.accuracy.all().share());
}

/// The model of the newest checkpoint of a run.
VqaModel trained_model(const Arguments& arguments, const DataSet& data) {
  VqaModel model = make_model(data, model_options(data), arguments.run.seed);
  load_checkpoint(RunFolder(arguments.run.out).newest_checkpoint("vqa train"), {.model = model});
  return model;
}

int evaluate_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  VqaModel model = trained_model(arguments, data);
  RunSummary summary{.options = training_options(data, arguments)};
  summary.test = evaluate(model, data, data.test, {.pointing = true});
  summary.prior = QuestionOnlyPrior(data).accuracy(data.test).all().share();
  summary.parameters = num_parameters(model);
  std::filesystem::path report = arguments.run.out / "evaluation.html";
  write_report(report, model, data, summary);
  print_summary(data, summary, report);
  write_official(arguments, data, summary.test);
  return 0;
}

int ask_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  VqaModel model = trained_model(arguments, data);
  Image picture = read_picture(arguments.picture);
  if (data.recipe == Recipe::photographs) picture = resize(picture, data.train.width, data.train.height);
  if (picture.width != data.train.width || picture.height != data.train.height)
    throw FormatError(arguments.picture + ": expected " + std::to_string(data.train.width) + " x " +
                      std::to_string(data.train.height) + " pixels, got " + std::to_string(picture.width) + " x " +
                      std::to_string(picture.height));
  const std::vector<int32_t> tokens = data.vocabulary.encode(arguments.question);
  if (std::ssize(tokens) > longest_question(data))
    throw ValueError("the question is too long: at most " + std::to_string(longest_question(data) - 1) + " words");
  const Batch batch = on_default_device(make_batch(picture.pixels, picture.height, picture.width, {tokens}));
  eval(model);
  Tensor chances = softmax(model(batch.pictures, batch.row, batch.tokens, batch.real), -1);
  const int64_t shown = std::min<int64_t>(3, chances.size(-1));
  auto [values, indices] = top_k(reshape(chances, {chances.size(-1)}), shown);
  for (int64_t i = 0; i < shown; ++i)
    std::printf("%-10s %5.1f %%\n", data.answers[static_cast<size_t>(indices[i].item<int64_t>())].c_str(),
                100 * values[i].item<double>());
  std::filesystem::path sheet = arguments.run.out / "ask.png";
  if (!arguments.words.empty()) sheet = arguments.words;
  write_png(sheet, word_sheet(WordMaps(model, data.vocabulary, picture.pixels, picture.height, picture.width, tokens)));
  std::printf("words      %s\n", sheet.c_str());
  return 0;
}

int ablate_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  TrainingOptions options = ablation_options(data, arguments.run);
  if (arguments.most_pictures > 0) options.most_pictures = arguments.most_pictures;
  std::vector<AblationRow> rows = run_ablation(data, options);
  write_ablation(arguments.run.out, data, options, rows);
  std::cout << read_file((arguments.run.out / "ablation.md").string());
  std::printf("report  %s\n", (arguments.run.out / "ablation.html").c_str());
  return 0;
}

/// Test pictures as PNG files, with their questions in easy-VQA's format.
int draw_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  const Split& split = data.test;
  std::string questions;
  for (int64_t picture = 0; picture < std::min(arguments.count, split.pictures); ++picture) {
    write_png(arguments.run.out / (std::to_string(picture) + ".png"),
              Image(split.width, split.height, split.pixels_of(picture)));
    for (const Question& question : split.questions_of(picture)) {
      std::string answer = question.answer < 0 ? "" : data.answers[static_cast<size_t>(question.answer)];
      questions += (questions.empty() ? "[" : ",\n ");
      questions += nlohmann::json{question.text, answer, picture}.dump();
    }
  }
  write_file((arguments.run.out / "questions.json").string(), questions + "]\n");
  return 0;
}

void add_common(CLI::App& command, Arguments& arguments, const std::string& out = "runs/vqa") {
  command.add_option("--data", arguments.data, "which set")
      ->check(CLI::IsMember({"easy-vqa", "synthetic", "sort-of-clevr", "clevr", "vqa-v2"}))
      ->capture_default_str();
  command.add_option("--data-dir", arguments.data_dir, "folder of the set; else data/ and the set's name");
  command.add_option("--picture-width", arguments.width, "what pictures of CLEVR and VQA v2 are resized to")
      ->capture_default_str();
  command.add_option("--picture-height", arguments.height, "2/3 of the width for CLEVR, the width for VQA v2");
  command.add_option("--protocol", arguments.protocol, "of Sort-of-CLEVR: fresh pictures each epoch, or as published")
      ->check(CLI::IsMember({"fresh", "paper"}))
      ->capture_default_str();
  command.add_option("--labels", arguments.labels, "of Sort-of-CLEVR: `legacy` has the published generator's errors")
      ->check(CLI::IsMember({"fixed", "legacy"}))
      ->capture_default_str();
  command.add_flag("--synthetic", arguments.synthetic, "the same as --data synthetic");
  add_run_options(command, arguments.run, out);
}

void add_official(CLI::App& command, Arguments& arguments) {
  command.add_flag("--official", arguments.official, "the official accuracy of VQA v2 too, and its result file");
}

void add_training(CLI::App& command, Arguments& arguments) {
  add_preset_options(command, arguments.run, {"full", "quick"});
  command.add_option("--pictures", arguments.most_pictures, "train on the first so many only");
}

}  // namespace

int main(int argc, char** argv) try {
  Arguments arguments;
  CLI::App app("Visual question answering with attention over streams of different width");
  app.require_subcommand(1);
  CLI::App* train_app = app.add_subcommand("train", "train, evaluate, and write a report");
  add_common(*train_app, arguments);
  add_official(*train_app, arguments);
  add_training(*train_app, arguments);
  add_training_options(*train_app, arguments.run);
  CLI::App* evaluate_app = app.add_subcommand("evaluate", "test the newest checkpoint of a run");
  add_common(*evaluate_app, arguments);
  add_official(*evaluate_app, arguments);
  CLI::App* ablate_app = app.add_subcommand("ablate", "train without one thing at a time");
  add_common(*ablate_app, arguments, "runs/vqa-ablation");
  add_training(*ablate_app, arguments);
  CLI::App* ask_app = app.add_subcommand("ask", "ask a question about a picture");
  add_common(*ask_app, arguments);
  ask_app
      ->add_option("picture,--image", arguments.picture,
                   "a PNG or JPEG file; of the size of the set's pictures, where all have one")
      ->required();
  ask_app->add_option("question,--question", arguments.question, "in words of the training questions")->required();
  ask_app->add_option("--words", arguments.words,
                      "PNG file for each word's attention over the picture; ask.png of --out");
  CLI::App* draw_app = app.add_subcommand("draw", "write test pictures and their questions as files");
  add_common(*draw_app, arguments, "runs/vqa-pictures");
  draw_app->add_option("--count", arguments.count, "how many")->capture_default_str();
  std::vector<std::filesystem::path> metrics;
  CLI::App* table_app = app.add_subcommand("table", "a Markdown table of several runs");
  table_app->add_option("metrics", metrics, "their metrics.json")->required();
  CLI11_PARSE(app, argc, argv);

  if (*table_app) {
    std::cout << results_table(metrics);
    return 0;
  }
  arguments.run.apply();
  if (*train_app) return train_command(arguments);
  if (*evaluate_app) return evaluate_command(arguments);
  if (*ablate_app) return ablate_command(arguments);
  if (*draw_app) return draw_command(arguments);
  arguments.most_pictures = arguments.most_test_pictures = 1;  // answers and words are known without the others
  return ask_command(arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "vqa: %s\n", error.what());
  return 1;
}
