#include <catch2/catch.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <weft/core/file.hpp>
#include <weft/examples/common/ablation_table.hpp>
#include <weft/examples/common/csv.hpp>
#include <weft/examples/common/run_folder.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using Catch::Matchers::Contains;
using weft::test::TemporaryFolder;

namespace {

RunOptions parsed(const std::string& arguments) {
  RunOptions options;
  CLI::App app;
  CLI::App* train = app.add_subcommand("train");
  add_run_options(*train, options, "runs/train");
  add_preset_options(*train, options, {"full", "quick"});
  add_training_options(*train, options);
  add_run_options(*app.add_subcommand("ablate"), options, "runs/ablate");
  app.parse(arguments);
  return options;
}

std::string refusal(const std::string& arguments) {
  try {
    parsed(arguments);
  } catch (const CLI::ParseError& error) { return error.what(); }
  return "";
}

}  // namespace

TEST_CASE("run options have defaults, and a folder for each command") {
  RunOptions options = parsed("train");
  CHECK(options.preset == "full");
  CHECK(options.out == "runs/train");
  CHECK_FALSE(options.expect);
  CHECK(parsed("ablate").out == "runs/ablate");
  CHECK(parsed("ablate --out here").out == "here");
}

TEST_CASE("run options reach fit") {
  RunOptions options = parsed(
      "train --preset quick --seed 7 --threads 3 --out a --epochs 5 --resume --quiet --stop-at-step 11 "
      "--checkpoint-every 13 --graph g.svg --describe --expect 0.5");
  CHECK(options.preset == "quick");
  CHECK(options.seed == 7);
  CHECK(options.threads == 3);
  CHECK(options.describe);
  CHECK(options.graph == "g.svg");
  FitOptions fit = options.fit(30);
  CHECK(fit.epochs == 5);
  CHECK(fit.folder == "a/checkpoints");
  CHECK(fit.resume);
  CHECK(fit.stop_at_step == 11);
  CHECK(fit.checkpoint_every == 13);
  CHECK_FALSE(fit.progress);
  CHECK(parsed("train").fit(30).epochs == 30);
  CHECK(options.judge(0.5) == 0);
  CHECK(options.judge(0.4) == 1);
  CHECK(parsed("train").judge(0) == 0);
}

TEST_CASE("run options that make no sense are refused by name") {
  CHECK_THAT(refusal("train --preset huge"), Contains("--preset") && Contains("huge") && Contains("quick"));
  CHECK_THAT(refusal("train --device abacus"), Contains("--device") && Contains("abacus"));
  CHECK_THAT(refusal("train --threads -1"), Contains("--threads"));
  CHECK_THAT(refusal("train --epochs 0"), Contains("--epochs"));
  CHECK_THAT(refusal("train --seed minus"), Contains("--seed"));
}

TEST_CASE("a run's folder says when there is nothing in it") {
  TemporaryFolder folder;
  CHECK_THROWS_WITH(RunFolder(folder.path()).newest_checkpoint("vqa train"), Contains("run `vqa train` first"));
}

TEST_CASE("a run leaves its numbers and curves") {
  TemporaryFolder folder;
  RunFolder run(folder.path());
  FitResult training;
  training.history.add({{"epoch", 1}, {"loss", 0.1}});
  training.history.add({{"epoch", 2}, {"loss", 0.7}});
  training.steps = 12;
  MetricsFile metrics;
  set_run_metrics(metrics, parsed("train --seed 5"), training, 99);
  metrics.write(run.metrics());
  CHECK(read_metrics(run.metrics())["seed"] == 5);
  CHECK(read_metrics(run.metrics())["parameters"] == 99);
  CHECK(read_metrics(run.metrics())["epochs"] == 2);
  write_curves(run, training.history);
  CHECK(CsvTable::read(run.curves()).column("loss") == training.history.column("loss"));
}

TEST_CASE("an ablation is written as Markdown, HTML and JSON") {
  TemporaryFolder folder;
  AblationTable table{.title = "Ablations",
                      .subtitle = "",
                      .lead = "",
                      .columns = {{"accuracy"}, {.name = "error", .style = NumberStyle::plain, .decimals = 3}}};
  table.add({.name = "all", .meaning = "as it is", .values = {0.99876, 1.5}, .spread = {0.001, 0.25}, .minutes = 2});
  table.add({.name = "none", .meaning = "at test time", .values = {0.5, std::nan("")}});
  CHECK(table.markdown() ==
        "| variant | what | accuracy | error | minutes |\n|---|---|---|---|---|\n"
        "| all | as it is | 99.88 % \u00b1 0.10 % | 1.500 \u00b1 0.250 | 2.0 |\n"
        "| none | at test time | 50.00 % | - | - |\n");
  CHECK_THROWS_AS(table.add({.name = "short", .meaning = "", .values = {1}}), ValueError);
  MetricsFile metrics;
  metrics.set("prior", 0.25);
  table.write(folder / "a", metrics);
  CHECK(read_metrics(folder / "a/ablation.json")["none, accuracy"] == 0.5);
  CHECK(read_metrics(folder / "a/ablation.json")["prior"] == 0.25);
  CHECK(read_file((folder / "a/ablation.md").string()) == table.markdown());
  CHECK_THAT(read_file((folder / "a/ablation.html").string()), Contains("as it is"));
}
