// Visual question answering on easy-VQA: `vqa train`, `vqa evaluate`, `vqa ablate`, `vqa ask`.

#include <chrono>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include <weft/core/file.hpp>
#include <weft/examples/common/csv.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/examples/vqa/synthetic.hpp>
#include <weft/examples/vqa/vqa_report.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::vqa;

namespace {

struct Arguments {
  std::string preset = "full", data_dir = "data/easy-vqa", folder, device = "cpu", picture, question, graph;
  int64_t epochs = 0, stop_at_step = -1, most_pictures = 0, checkpoint_every = 0;
  uint64_t seed = 0;
  int threads = 0;
  bool resume = false, quiet = false, synthetic = false, describe = false;
  double at_least = 0;
};

DataSet load(const Arguments& arguments) {
  if (!arguments.synthetic && has_easy_vqa(arguments.data_dir)) return load_easy_vqa(arguments.data_dir);
  if (!arguments.synthetic)
    std::fprintf(stderr,
                 "no easy-VQA in '%s' (examples/vqa/fetch_data.sh gets it): drawing pictures of the same kind\n",
                 arguments.data_dir.c_str());
  return make_synthetic();
}

TrainingOptions training_options(const Arguments& arguments) {
  TrainingOptions options = preset_options(arguments.preset);
  if (arguments.epochs > 0) options.epochs = arguments.epochs;
  options.seed = arguments.seed;
  options.folder = std::filesystem::path(arguments.folder) / "checkpoints";
  options.resume = arguments.resume;
  options.stop_at_step = arguments.stop_at_step;
  options.most_pictures = arguments.most_pictures;
  options.checkpoint_every = arguments.checkpoint_every;
  options.graph = arguments.graph;
  options.describe = arguments.describe;
  options.progress = !arguments.quiet;
  return options;
}

void print_summary(const RunSummary& summary, const std::filesystem::path& report) {
  AccuracyByKind::Count all = summary.test.accuracy.all();
  std::printf("test accuracy  %.2f %%  (%lld of %lld questions)\n", 100 * all.share(), static_cast<long long>(all.hits),
              static_cast<long long>(all.total));
  std::printf("prior          %.2f %%  (the question alone)\n", 100 * summary.prior);
  std::printf("attention      %.1f %%  on the shape (color and shape questions)\n",
              100.0 * static_cast<double>(summary.test.pointed) /
                  static_cast<double>(std::max<int64_t>(summary.test.pointing_total, 1)));
  std::printf("minutes        %.1f\n", summary.minutes);
  std::printf("report         %s\n", report.c_str());
}

int train_command(const Arguments& arguments) {
  auto start = std::chrono::steady_clock::now();
  DataSet data = load(arguments);
  TrainingOptions options = training_options(arguments);
  std::filesystem::path folder = arguments.folder;
  VqaModel model = make_model(data, model_options(data), options.seed);
  if (!arguments.quiet)
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
  QuestionOnlyPrior prior(data.train);
  summary.prior = prior.accuracy(data.test).all().share();
  summary.majority = prior.majority_accuracy(data.test);
  summary.parameters = num_parameters(model);
  summary.minutes = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
  write_metrics(folder / "metrics.json", data, summary);
  write_report(folder / "report.html", model, data, summary);
  print_summary(summary, folder / "report.html");
  double share = summary.test.accuracy.all().share();
  if (share < arguments.at_least) {
    std::printf("expected at least %.2f %%\n", 100 * arguments.at_least);
    return 1;
  }
  return 0;
}

/// The model of the newest checkpoint of a run.
VqaModel trained_model(const Arguments& arguments, const DataSet& data) {
  std::string newest = latest_checkpoint((std::filesystem::path(arguments.folder) / "checkpoints").string());
  if (newest.empty()) throw FileError("there is no checkpoint in '" + arguments.folder + "'; run `vqa train` first");
  VqaModel model = make_model(data, model_options(data), arguments.seed);
  load_checkpoint(newest, {.model = model});
  return model;
}

int evaluate_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  VqaModel model = trained_model(arguments, data);
  RunSummary summary{.options = training_options(arguments)};
  summary.test = evaluate(model, data, data.test, {.pointing = true});
  summary.prior = QuestionOnlyPrior(data.train).accuracy(data.test).all().share();
  summary.parameters = num_parameters(model);
  std::filesystem::path report = std::filesystem::path(arguments.folder) / "evaluation.html";
  write_report(report, model, data, summary);
  print_summary(summary, report);
  return 0;
}

int ask_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  VqaModel model = trained_model(arguments, data);
  Image picture = read_png(arguments.picture);
  if (picture.width != data.train.width || picture.height != data.train.height)
    throw FormatError(arguments.picture + ": expected " + std::to_string(data.train.width) + " x " +
                      std::to_string(data.train.height) + " pixels, got " + std::to_string(picture.width) + " x " +
                      std::to_string(picture.height));
  Batch batch = make_batch(picture.pixels, picture.height, picture.width, {data.vocabulary.encode(arguments.question)});
  eval(model);
  Tensor chances = softmax(model(batch.pictures, batch.tokens, batch.real), -1);
  auto [values, indices] = top_k(reshape(chances, {chances.size(-1)}), 3);
  for (int64_t i = 0; i < 3; ++i)
    std::printf("%-10s %5.1f %%\n", data.answers[static_cast<size_t>(indices[i].item<int64_t>())].c_str(),
                100 * values[i].item<double>());
  return 0;
}

int ablate_command(const Arguments& arguments) {
  DataSet data = load(arguments);
  TrainingOptions options = training_options(arguments);
  std::vector<AblationRow> rows = run_ablation(data, options);
  std::filesystem::create_directories(arguments.folder);
  write_ablation(arguments.folder, data, options, rows);
  std::cout << read_file((std::filesystem::path(arguments.folder) / "ablation.md").string());
  std::printf("report  %s\n", (std::filesystem::path(arguments.folder) / "ablation.html").c_str());
  return 0;
}

void add_common(CLI::App& command, Arguments& arguments) {
  command.add_option("--data-dir", arguments.data_dir, "folder with easy-VQA")->capture_default_str();
  command.add_flag("--synthetic", arguments.synthetic, "pictures of the same kind, drawn on the spot");
  command.add_option("--out", arguments.folder, "folder of the run");
  command.add_option("--seed", arguments.seed, "of parameters, shuffling and augmentation")->capture_default_str();
  command.add_option("--threads", arguments.threads, "0: as many as there are cores")->capture_default_str();
  command.add_option("--device", arguments.device, "where to run")->capture_default_str();
}

void add_training(CLI::App& command, Arguments& arguments) {
  command.add_option("--preset", arguments.preset, "quick or full")->capture_default_str();
  command.add_option("--epochs", arguments.epochs, "instead of the preset's");
  command.add_option("--pictures", arguments.most_pictures, "train on the first so many only");
  command.add_flag("--quiet", arguments.quiet, "no progress");
}

}  // namespace

int main(int argc, char** argv) try {
  Arguments arguments;
  CLI::App app("Visual question answering with attention over streams of different width");
  app.require_subcommand(1);
  CLI::App* train_app = app.add_subcommand("train", "train, evaluate, and write a report");
  add_common(*train_app, arguments);
  add_training(*train_app, arguments);
  train_app->add_flag("--resume", arguments.resume, "go on from the newest checkpoint of the run");
  train_app->add_option("--stop-at-step", arguments.stop_at_step, "save and stop there, as Ctrl-C does");
  train_app->add_option("--checkpoint-every", arguments.checkpoint_every, "steps between further checkpoints");
  train_app->add_option("--graph", arguments.graph, "draw the training step's plan into this .svg or .dot file");
  train_app->add_flag("--describe", arguments.describe, "print the training step's plans at the end");
  train_app->add_option("--expect", arguments.at_least, "exit with 1 when the test accuracy is below this share");
  CLI::App* evaluate_app = app.add_subcommand("evaluate", "test the newest checkpoint of a run");
  add_common(*evaluate_app, arguments);
  CLI::App* ablate_app = app.add_subcommand("ablate", "train without one thing at a time");
  add_common(*ablate_app, arguments);
  add_training(*ablate_app, arguments);
  CLI::App* ask_app = app.add_subcommand("ask", "ask a question about a picture");
  add_common(*ask_app, arguments);
  ask_app->add_option("picture", arguments.picture, "a PNG file, 64 x 64")->required();
  ask_app->add_option("question", arguments.question, "in words of the training questions")->required();
  CLI11_PARSE(app, argc, argv);

  if (arguments.threads > 0) set_num_threads(arguments.threads);
  set_default_device(Device(arguments.device));
  if (arguments.folder.empty()) arguments.folder = *ablate_app ? "runs/vqa-ablation" : "runs/vqa";
  if (*train_app) return train_command(arguments);
  if (*evaluate_app) return evaluate_command(arguments);
  if (*ablate_app) return ablate_command(arguments);
  return ask_command(arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "vqa: %s\n", error.what());
  return 1;
}
