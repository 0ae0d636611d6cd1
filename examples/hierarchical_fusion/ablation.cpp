#include <weft/examples/hierarchical_fusion/ablation.hpp>

#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include <weft/examples/common/ablation_table.hpp>
#include <weft/examples/common/run_folder.hpp>
#include <weft/examples/hierarchical_fusion/legend_report.hpp>
#include <weft/examples/hierarchical_fusion/legend_results.hpp>

namespace weft::examples::hierarchy {
namespace {

struct Variant {
  std::string name, meaning;
  LegendModelOptions options;
};

std::vector<Variant> legend_variants() {
  auto fusion = [](Fusion kind) { return LegendModelOptions{.fusion = kind}; };
  return {{"cross-attention", "every pixel looks among the 64 tokens, two layers", fusion(Fusion::attention)},
          {"one layer", "of two", {.cross_layers = 1}},
          {"uniform attention", "all tokens weigh alike, in training too", {.uniform_attention = true}},
          {"U-Net concat", "upsampled, concatenated, convolved", fusion(Fusion::concat)},
          {"FPN add", "upsampled, projected, added", fusion(Fusion::add)},
          {"attention gate", "the high level weighs the low level's features", fusion(Fusion::gate)},
          {"AFF", "a learned mask mixes both levels", fusion(Fusion::aff)},
          {"CLS only", "one token looks, all pixels get its answer", fusion(Fusion::class_token)},
          {"high only", "upsampled high level alone", fusion(Fusion::high_only)},
          {"low only", "as many parameters in convolutions on the low level", fusion(Fusion::low_only)}};
}

double pointing_of(const LegendEvaluation& evaluation) {
  return evaluation.pointing.total > 0 ? evaluation.pointing.share() : NAN;
}

AblationTable::Row legend_row(std::string name, std::string meaning, const LegendEvaluation& evaluation,
                              int64_t parameters, double minutes) {
  return {std::move(name),
          std::move(meaning),
          {evaluation.scores.all.mean_iou(), evaluation.scores.point_recall(), pointing_of(evaluation),
           evaluation.counter_factual.new_share(), static_cast<double>(parameters)},
          {},
          minutes};
}

/// Mean and standard deviation (n - 1).
std::pair<double, double> mean_spread(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (double value : values) mean += value / static_cast<double>(values.size());
  for (double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size() - 1))};
}

}  // namespace

std::string ablate_legend(const LegendTrainingOptions& base, const RunOptions& run) {
  RunOptions training = run;
  training.out.clear();  // no checkpoints
  std::vector<LegendMap> maps = make_maps(legend_test_seed, base.test_maps, base.maps);
  AblationTable table{
      .title = "Ablations: legend maps",
      .subtitle = fmt::format("preset {}, seed {}, {} test maps", run.preset, run.seed, maps.size()),
      .lead =
          "All models have the same number of parameters within 5 %, but those with one layer and with the "
          "legend changed at test time.",
      .columns = {
          {"mIoU"}, {"point recall"}, {"pointing"}, {"follows new legend"}, {"parameters", NumberStyle::plain, 0}}};
  std::vector<NamedLegendModel> shown;
  LegendSummary summary{.run = run, .options = base};
  for (const Variant& variant : legend_variants()) {
    std::fprintf(stderr, "%s\n", variant.name.c_str());
    LegendTrainingOptions options = base;
    options.model = variant.options;
    options.epoch_maps = 0;
    LegendModel model = make_legend_model(variant.options, run.seed);
    FitResult fitted = train_legend(model, options, training);
    if (!fitted.finished) break;
    int64_t parameters = num_parameters(model);
    bool attends = variant.options.fusion == Fusion::attention && !variant.options.uniform_attention;
    LegendEvaluation test = evaluate(model, maps, {.pointing = attends});
    LegendEvaluation swapped = evaluate(model, maps, {.change = LegendChange::other_glyphs});
    test.counter_factual = swapped.counter_factual;
    table.add(legend_row(variant.name, variant.meaning, test, parameters, fitted.seconds / 60));
    summary.minutes += fitted.seconds / 60;
    if (shown.empty()) {  // the model itself, with its legend changed
      summary.parameters = parameters;
      summary.training = fitted;
      summary.results = evaluate_all(model, maps);
      const LegendResults& results = summary.results;
      table.add(legend_row("legend erased", "at test time", results.erased, parameters, 0));
      table.add(legend_row("one entry erased", "at test time: the one that most of the map shows", results.one_erased,
                           parameters, 0));
      table.add(legend_row("glyphs of another legend", "at test time; right is what they say", results.other_glyphs,
                           parameters, 0));
      table.add(legend_row("tokens of another map", "at test time", results.other_tokens, parameters, 0));
      table.add(legend_row("uniform attention at test", "all tokens weigh alike, at test time", *results.uniform,
                           parameters, 0));
    }
    bool wanted = shown.empty() || variant.options.fusion == Fusion::concat || variant.options.fusion == Fusion::add;
    if (wanted) shown.push_back({variant.name, std::move(model)});
  }
  MetricsFile metrics;
  metrics.set("task", "legend");
  metrics.set_run(static_cast<int64_t>(run.seed), num_threads());
  metrics.set("minutes", summary.minutes);
  metrics.set_flag("preset", run.preset);
  table.write(run.out, metrics);
  if (!shown.empty() && summary.results.uniform) {
    LegendModel model = std::move(shown.front().model);
    shown.erase(shown.begin());
    write_legend_report(RunFolder(run.out).report(), model, shown, maps, summary);
  }
  return table.markdown();
}

std::string ablate_digits(const DigitSet& data, const DigitTrainingOptions& base, const RunOptions& run) {
  constexpr uint64_t seeds = 3;
  const std::vector<std::pair<Branches, std::string>> kinds{
      {Branches::cross, "class tokens look at the other branch's patches"},
      {Branches::late_sum, "mean of both branches' logits"},
      {Branches::concat, "one classifier over both class tokens"},
      {Branches::small_only, "16 patches of 2 x 2 pixels, 32 wide"},
      {Branches::large_only, "4 patches of 4 x 4 pixels, 64 wide"}};
  size_t count = data.test.size();
  double error = std::sqrt(0.97 * 0.03 / static_cast<double>(count));
  std::string lead = fmt::format(
      "Accuracy: mean and standard deviation of {} seeds; one standard error of 97 % over {} digits is {:.2f} points. "
      "Less cross: the difference to cross-attention and its standard error, paired over the test digits; below two "
      "standard errors it is not significant.",
      seeds, count, 100 * error);
  AblationTable table{
      .title = "Ablations: digits with two branches",
      .subtitle = fmt::format("{}, preset {}, {} seeds, {} test digits", data.name, run.preset, seeds, count),
      .lead = lead,
      .columns = {{"accuracy"}, {"less cross"}, {"parameters", NumberStyle::plain, 0}}};
  RunOptions training = run;
  training.out.clear();
  std::vector<double> of_cross;  // share of seeds that read a digit right, for each
  for (const auto& kind : kinds) {
    DigitTrainingOptions options = base;
    options.model.branches = kind.first;
    std::vector<double> shares, of_digit(count, 0);
    double seconds = 0;
    int64_t parameters = 0;
    for (uint64_t i = 0; i < seeds; ++i) {
      training.seed = run.seed + i;
      std::fprintf(stderr, "%s, seed %llu\n", name_of(kind.first), static_cast<unsigned long long>(training.seed));
      DigitModel model = make_digit_model(options.model, training.seed);
      parameters = num_parameters(model);
      seconds += train_digits(model, data, options, training).seconds;
      DigitEvaluation test = evaluate(model, data.test);
      shares.push_back(test.share());
      for (size_t k = 0; k < count; ++k) of_digit[k] += (test.predictions[k] == data.test[k].label) / double{seeds};
    }
    if (of_cross.empty()) of_cross = of_digit;
    std::vector<double> apart(count);
    for (size_t k = 0; k < count; ++k) apart[k] = of_digit[k] - of_cross[k];
    auto [mean, spread] = mean_spread(shares);
    auto [difference, deviation] = mean_spread(apart);
    bool self = kind.first == Branches::cross;
    table.add({name_of(kind.first),
               kind.second,
               {mean, self ? NAN : difference, static_cast<double>(parameters)},
               {spread, self ? NAN : deviation / std::sqrt(static_cast<double>(count)), NAN},
               seconds / 60});
  }
  MetricsFile metrics;
  metrics.set("task", "digits");
  metrics.set("data", data.name);
  metrics.set_run(static_cast<int64_t>(run.seed), num_threads());
  metrics.set("standard_error", error);
  metrics.set_flag("preset", run.preset);
  table.write(run.out, metrics);
  return table.markdown() + "\n" + lead + "\n";
}

}  // namespace weft::examples::hierarchy
