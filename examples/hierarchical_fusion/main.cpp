// Features of a network's early and late stages brought together by attention: `hierarchy train`, `evaluate`, `show`,
// `ablate`, `table`, each with --task legend (maps with a legend) or digits (two branches over one picture).

#include <chrono>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include <weft/core/file.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/examples/common/run_folder.hpp>
#include <weft/examples/hierarchical_fusion/ablation.hpp>
#include <weft/examples/hierarchical_fusion/digits_results.hpp>
#include <weft/examples/hierarchical_fusion/legend_report.hpp>
#include <weft/examples/hierarchical_fusion/results_table.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::hierarchy;

namespace {

struct Arguments {
  RunOptions run;
  std::string task = "legend", fusion = "attention", branches = "cross", data_dir = "data/digits";
  bool made = false;
  std::vector<std::string> compare, folders;
  int64_t pictures = 6;
};

using Clock = std::chrono::steady_clock;
double minutes_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count() / 60;
}

DigitSet load_digit_set(const Arguments& arguments) {
  if (!arguments.made && has_digits(arguments.data_dir)) return load_digits(arguments.data_dir);
  if (!arguments.made)
    std::fprintf(stderr, "no digits.csv in '%s' (examples/hierarchical_fusion/fetch_data.sh gets it): drawing digits\n",
                 arguments.data_dir.c_str());
  return made_digits(0, 1797);
}

LegendTrainingOptions legend_options(const Arguments& arguments) {
  LegendTrainingOptions options = legend_preset(arguments.run.preset);
  options.model.fusion = fusion_of(arguments.fusion);
  return options;
}

DigitTrainingOptions digit_options(const Arguments& arguments) {
  DigitTrainingOptions options = digit_preset(arguments.run.preset);
  options.model.branches = branches_of(arguments.branches);
  return options;
}

/// The models that --compare names, for the pictures.
std::vector<NamedLegendModel> compared_models(const Arguments& arguments) {
  std::vector<NamedLegendModel> models;
  for (const std::string& folder : arguments.compare) {
    LegendModel model = load_legend_model(folder);
    std::string name = name_of(model.fusion);
    models.push_back({name, std::move(model)});
  }
  return models;
}

bool stopped(const FitResult& training) {
  if (training.finished) return false;
  std::printf("stopped at step %lld; go on with --resume\n", static_cast<long long>(training.steps));
  return true;
}

int train_legend_command(const Arguments& arguments) {
  Clock::time_point start = Clock::now();
  RunFolder folder(arguments.run.out);
  LegendSummary summary{.run = arguments.run, .options = legend_options(arguments)};
  LegendModel model = make_legend_model(summary.options.model, arguments.run.seed);
  summary.parameters = num_parameters(model);
  if (!arguments.run.quiet)
    std::fprintf(stderr, "legend maps, %s: %lld parameters, %d threads\n", arguments.fusion.c_str(),
                 static_cast<long long>(summary.parameters), num_threads());
  EventWriter events(folder.events().string());
  summary.training = train_legend(model, summary.options, arguments.run, &events);
  if (stopped(summary.training)) return 0;
  std::vector<LegendMap> maps = make_maps(legend_test_seed, summary.options.test_maps, summary.options.maps);
  summary.results = evaluate_all(model, maps);
  summary.minutes = minutes_since(start);
  write_legend_metrics(folder.metrics(), summary);
  write_curves(folder, summary.training.history);
  std::vector<NamedLegendModel> others = compared_models(arguments);
  std::vector<Image> sheets = comparison_sheets(model, others, {maps.begin(), maps.begin() + 3});
  for (size_t i = 0; i < sheets.size(); ++i)
    events.image("maps/" + std::to_string(i), encode_png(sheets[i]), sheets[i].height, sheets[i].width,
                 summary.training.steps);
  write_legend_report(folder.report(), model, others, maps, summary);
  std::fputs(legend_text(summary.results).c_str(), stdout);
  std::printf("minutes           %.1f\nreport            %s\n", summary.minutes, folder.report().c_str());
  return arguments.run.judge(summary.results.test.scores.all.mean_iou());
}

int train_digits_command(const Arguments& arguments) {
  Clock::time_point start = Clock::now();
  RunFolder folder(arguments.run.out);
  DigitSet data = load_digit_set(arguments);
  DigitSummary summary{.run = arguments.run, .options = digit_options(arguments)};
  DigitModel model = make_digit_model(summary.options.model, arguments.run.seed);
  summary.parameters = num_parameters(model);
  if (!arguments.run.quiet)
    std::fprintf(stderr, "%s, %s: %zu to train, %zu to test; %lld parameters\n", data.name.c_str(),
                 arguments.branches.c_str(), data.train.size(), data.test.size(),
                 static_cast<long long>(summary.parameters));
  EventWriter events(folder.events().string());
  summary.training = train_digits(model, data, summary.options, arguments.run, &events);
  if (stopped(summary.training)) return 0;
  summary.test = evaluate(model, data.test);
  summary.minutes = minutes_since(start);
  write_digit_metrics(folder.metrics(), data, summary);
  write_curves(folder, summary.training.history);
  write_digit_report(folder.report(), model, data, summary);
  std::printf("test accuracy  %.2f %%  (%lld of %lld)\nminutes        %.1f\nreport         %s\n",
              100 * summary.test.share(), static_cast<long long>(summary.test.hits),
              static_cast<long long>(summary.test.total), summary.minutes, folder.report().c_str());
  return arguments.run.judge(summary.test.share());
}

int evaluate_command(const Arguments& arguments) {
  if (arguments.task == "digits") {
    DigitModel model = load_digit_model(arguments.run.out);
    DigitSet data = load_digit_set(arguments);
    DigitEvaluation test = evaluate(model, data.test);
    std::printf("test accuracy  %.2f %%  (%lld of %lld)\n", 100 * test.share(), static_cast<long long>(test.hits),
                static_cast<long long>(test.total));
    return arguments.run.judge(test.share());
  }
  LegendModel model = load_legend_model(arguments.run.out);
  LegendTrainingOptions options = legend_preset(arguments.run.preset);
  std::vector<LegendMap> maps = make_maps(legend_test_seed, options.test_maps, options.maps);
  LegendSummary summary{.run = arguments.run, .options = options, .results = evaluate_all(model, maps)};
  summary.parameters = num_parameters(model);
  std::vector<NamedLegendModel> others = compared_models(arguments);
  std::filesystem::path report = RunFolder(arguments.run.out).file("evaluation.html");
  write_legend_report(report, model, others, maps, summary);
  std::fputs(legend_text(summary.results).c_str(), stdout);
  std::printf("report            %s\n", report.c_str());
  return arguments.run.judge(summary.results.test.scores.all.mean_iou());
}

int show_command(const Arguments& arguments) {
  RunFolder folder(arguments.run.out);
  std::filesystem::path pictures = folder.file("pictures");
  if (arguments.task == "digits") {
    DigitModel model = load_digit_model(arguments.run.out);
    write_digit_pictures(pictures, model, load_digit_set(arguments));
  } else {
    LegendModel model = load_legend_model(arguments.run.out);
    std::vector<NamedLegendModel> others = compared_models(arguments);
    write_legend_pictures(pictures, model, others, make_maps(legend_test_seed, arguments.pictures, MapOptions{}));
  }
  std::printf("pictures  %s\n", pictures.c_str());
  return 0;
}

int ablate_command(const Arguments& arguments) {
  std::string markdown = arguments.task == "digits"
                             ? ablate_digits(load_digit_set(arguments), digit_options(arguments), arguments.run)
                             : ablate_legend(legend_options(arguments), arguments.run);
  std::cout << markdown;
  std::printf("report  %s\n", RunFolder(arguments.run.out).file("ablation.html").c_str());
  return 0;
}

void add_task(CLI::App& command, Arguments& arguments) {
  command.add_option("--task", arguments.task, "what to learn")
      ->check(CLI::IsMember(std::vector<std::string>{"legend", "digits"}))
      ->capture_default_str();
  command.add_option("--data-dir", arguments.data_dir, "folder with digits.csv")->capture_default_str();
  command.add_flag("--made", arguments.made, "digits drawn on the spot instead of scikit-learn's");
}

}  // namespace

int main(int argc, char** argv) try {
  Arguments arguments;
  CLI::App app("Early and late features of a network, brought together by attention");
  app.require_subcommand(1);
  const std::vector<std::string> presets{"full", "quick"};
  CLI::App* train_app = app.add_subcommand("train", "train, evaluate, and write a report");
  CLI::App* evaluate_app = app.add_subcommand("evaluate", "test the newest checkpoint of a run");
  CLI::App* show_app = app.add_subcommand("show", "write pictures of what a run's newest checkpoint does");
  CLI::App* ablate_app = app.add_subcommand("ablate", "train other fusions and take one thing away at a time");
  CLI::App* table_app = app.add_subcommand("table", "a table in Markdown from the metrics.json of several runs");
  for (CLI::App* command : {train_app, evaluate_app, show_app, ablate_app}) {
    add_task(*command, arguments);
    add_run_options(*command, arguments.run, command == ablate_app ? "runs/hierarchy-ablation" : "runs/hierarchy");
  }
  for (CLI::App* command : {train_app, ablate_app}) add_preset_options(*command, arguments.run, presets);
  add_training_options(*train_app, arguments.run);
  train_app->add_option("--fusion", arguments.fusion, "attention, add, concat, gate, aff, cls, high or low")
      ->capture_default_str();
  train_app->add_option("--branches", arguments.branches, "cross, sum, concat, small or large")->capture_default_str();
  evaluate_app->add_option("--preset", arguments.run.preset, "full or quick: how many test maps")
      ->check(CLI::IsMember(presets))
      ->capture_default_str();
  evaluate_app->add_option("--expect", arguments.run.expect, "exit with 1 when the main number is below this");
  for (CLI::App* command : {train_app, evaluate_app, show_app})
    command->add_option("--compare", arguments.compare, "runs of other fusions, to be shown beside this one");
  show_app->add_option("--pictures", arguments.pictures, "how many maps")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  table_app->add_option("runs", arguments.folders, "folders of finished runs")->required();
  CLI11_PARSE(app, argc, argv);

  arguments.run.apply();
  if (*train_app) return arguments.task == "digits" ? train_digits_command(arguments) : train_legend_command(arguments);
  if (*evaluate_app) return evaluate_command(arguments);
  if (*show_app) return show_command(arguments);
  if (*ablate_app) return ablate_command(arguments);
  std::cout << results_table({arguments.folders.begin(), arguments.folders.end()});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "hierarchy: %s\n", error.what());
  return 1;
}
