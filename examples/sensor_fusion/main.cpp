// LiDAR and camera on a bird's-eye grid: `fusion train`, `fusion evaluate`, `fusion show`, `fusion ablate`,
// `fusion export`, `fusion table`.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include <weft/core/file.hpp>
#include <weft/examples/sensor_fusion/ablation.hpp>
#include <weft/examples/sensor_fusion/fusion_report.hpp>
#include <weft/examples/sensor_fusion/kitti_table.hpp>
#include <weft/examples/sensor_fusion/results_table.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::fusion;

namespace {

struct Arguments {
  RunOptions run;
  DataOptions data;
  std::string fusion = "attention";
  int64_t scenes = 0, test_scenes = 0, index = -1;
  std::vector<std::string> rows;
  std::vector<std::string> metrics;
};

TrainingOptions training_options(const Arguments& arguments) {
  TrainingOptions options = preset_options(arguments.run);
  if (arguments.scenes > 0) options.train_scenes = arguments.scenes;
  if (arguments.test_scenes > 0) options.test_scenes = arguments.test_scenes;
  return options;
}

FusionData load(const Arguments& arguments, const TrainingOptions& options) {
  DataOptions data = arguments.data;
  data.seed = arguments.run.seed;
  data.train_scenes = options.train_scenes;
  data.test_scenes = options.test_scenes;
  return load_data(data);
}

ModelOptions model_options(const Arguments& arguments) { return {.fusion = fusion_named(arguments.fusion)}; }

void print_summary(const RunSummary& summary) {
  const TestSummary& test = summary.test;
  std::printf("nuScenes mAP   %.1f %%  (%lld scenes)\n", 100 * test.mixed.mean_ap(),
              static_cast<long long>(test.scenes));
  for (Condition condition : conditions) {
    double map = test.by_condition[static_cast<size_t>(condition)].mean_ap();
    if (std::isfinite(map)) std::printf("  %-12s %.1f %%\n", name_of(condition), 100 * map);
  }
  std::printf("mATE           %.2f m\n", test.mixed.mean_centre_error());
  std::printf("minutes        %.1f\n", summary.minutes);
}

int train_command(const Arguments& arguments) {
  auto start = std::chrono::steady_clock::now();
  TrainingOptions options = training_options(arguments);
  FusionData data = load(arguments, options);
  RunFolder folder(arguments.run.out);
  RunSummary summary{.options = options, .model = model_options(arguments)};
  FusionModel model = make_model(summary.model, arguments.run.seed, data.picture_height, data.picture_width);
  summary.parameters = num_parameters(model);
  if (!arguments.run.quiet)
    std::fprintf(stderr, "%s: %lld scenes an epoch, %zu to test on; %s, %lld parameters; %d threads\n",
                 data.name.c_str(), static_cast<long long>(data.train_scenes), data.test.size(),
                 arguments.fusion.c_str(), static_cast<long long>(summary.parameters), num_threads());
  summary.training = run_training(model, data, options);
  if (!summary.training.finished) {
    std::printf("stopped at step %lld; go on with --resume\n", static_cast<long long>(summary.training.steps));
    return 0;
  }
  summary.test = run_test(model, data, scenes_of_condition(data));
  summary.minutes = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
  write_metrics(folder.metrics(), data, summary);
  write_curves(folder, summary.training.history);
  write_report(folder.report(), model, data, summary);
  print_summary(summary);
  if (data.name == "kitti") std::cout << kitti_table(model, data, arguments.data);
  std::printf("report         %s\n", folder.report().c_str());
  return arguments.run.judge(summary.test.mixed.mean_ap());
}

/// The model of the newest checkpoint of a run.
FusionModel trained_model(const Arguments& arguments, const FusionData& data) {
  FusionModel model = make_model(model_options(arguments), arguments.run.seed, data.picture_height, data.picture_width);
  load_checkpoint(RunFolder(arguments.run.out).newest_checkpoint("fusion train"), {.model = model});
  return model;
}

int evaluate_command(const Arguments& arguments) {
  auto start = std::chrono::steady_clock::now();
  TrainingOptions options = training_options(arguments);
  options.train_scenes = 1;
  FusionData data = load(arguments, options);
  FusionModel model = trained_model(arguments, data);
  RunSummary summary{.options = options, .model = model_options(arguments)};
  summary.parameters = num_parameters(model);
  summary.test = run_test(model, data, scenes_of_condition(data));
  summary.minutes = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 60;
  write_metrics(arguments.run.out / "evaluation.json", data, summary);
  write_report(arguments.run.out / "evaluation.html", model, data, summary);
  print_summary(summary);
  if (data.name == "kitti") std::cout << kitti_table(model, data, arguments.data);
  std::printf("report         %s\n", (arguments.run.out / "evaluation.html").c_str());
  return arguments.run.judge(summary.test.mixed.mean_ap());
}

int show_command(const Arguments& arguments) {
  TrainingOptions options = training_options(arguments);
  options.train_scenes = 1;
  FusionData data = load(arguments, options);
  FusionModel model = trained_model(arguments, data);
  for (const std::filesystem::path& path : write_frames(arguments.run.out / "show", model, data, arguments.index))
    std::printf("%s\n", path.c_str());
  return 0;
}

int ablate_command(const Arguments& arguments) {
  TrainingOptions options = training_options(arguments);
  FusionData data = load(arguments, options);
  AblationTable table = run_ablation(data, options, arguments.rows);
  MetricsFile metrics;
  metrics.set_run(static_cast<int64_t>(arguments.run.seed), num_threads());
  metrics.set("data", data.name);
  metrics.set_flag("preset", arguments.run.preset);
  table.write(arguments.run.out, metrics);
  std::cout << table.markdown();
  std::printf("report  %s\n", (arguments.run.out / "ablation.html").c_str());
  return 0;
}

int export_command(const Arguments& arguments) {
  int64_t count = arguments.scenes > 0 ? arguments.scenes : 100;
  write_kitti(arguments.run.out, make_scenes(count, arguments.run.seed));
  std::printf("%lld scenes in %s\n", static_cast<long long>(count), arguments.run.out.c_str());
  return 0;
}

void add_common(CLI::App& command, Arguments& arguments, const std::string& out) {
  command.add_option("--data", arguments.data.name, "tinydrive, kitti or nuscenes")->capture_default_str();
  command.add_option("--data-dir", arguments.data.folder, "folder of the real sets");
  command.add_option("--range", arguments.data.range, "metres forward; 0: 32 for tinydrive, 48 for the real sets");
  command.add_option("--test-scenes", arguments.test_scenes, "instead of the preset's");
  add_run_options(command, arguments.run, out);
  add_preset_options(command, arguments.run, {"full", "quick"});
}

void add_fusion(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--fusion", arguments.fusion,
                  "attention, concatenation, mean, late, camera, lidar, camera-part or lidar-part")
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) try {
  Arguments arguments;
  CLI::App app("LiDAR and camera on a bird's-eye grid, fused by attention");
  app.require_subcommand(1);
  CLI::App* train_app = app.add_subcommand("train", "train, test, and write a report");
  add_common(*train_app, arguments, "runs/fusion");
  add_fusion(*train_app, arguments);
  add_training_options(*train_app, arguments.run);
  train_app->add_option("--scenes", arguments.scenes, "training scenes in an epoch, instead of the preset's");
  CLI::App* evaluate_app = app.add_subcommand("evaluate", "test the newest checkpoint of a run");
  add_common(*evaluate_app, arguments, "runs/fusion");
  add_fusion(*evaluate_app, arguments);
  CLI::App* show_app = app.add_subcommand("show", "draw what a trained model sees in one scene, in every condition");
  add_common(*show_app, arguments, "runs/fusion");
  add_fusion(*show_app, arguments);
  show_app->add_option("--index", arguments.index, "of the test scene; chosen when not given");
  CLI::App* ablate_app = app.add_subcommand("ablate", "train the baselines, and the model without one thing at a time");
  add_common(*ablate_app, arguments, "runs/fusion-ablation");
  ablate_app->add_option("--scenes", arguments.scenes, "training scenes in an epoch, instead of the preset's");
  ablate_app->add_option("--rows", arguments.rows, "names of the rows to train, all when not given");
  CLI::App* export_app = app.add_subcommand("export", "write scenes of the made world in KITTI's layout");
  add_run_options(*export_app, arguments.run, "data/tinydrive");
  export_app->add_option("--scenes", arguments.scenes, "how many; 100 when not given");
  CLI::App* table_app = app.add_subcommand("table", "the README's tables from the metrics.json of several runs");
  table_app->add_option("metrics", arguments.metrics, "metrics.json files")->required()->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);

  if (*table_app) {
    std::cout << results_table({arguments.metrics.begin(), arguments.metrics.end()});
    return 0;
  }
  arguments.run.apply();
  if (*train_app) return train_command(arguments);
  if (*evaluate_app) return evaluate_command(arguments);
  if (*show_app) return show_command(arguments);
  if (*export_app) return export_command(arguments);
  return ablate_command(arguments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "fusion: %s\n", error.what());
  return 1;
}
