#include <weft/examples/vqa/ablation.hpp>

#include <cmath>
#include <cstdio>
#include <functional>

namespace weft::examples::vqa {
namespace {

/// What a variant changes before training.
struct Variant {
  std::string name, meaning;
  std::function<void(ModelOptions&)> change;
};

std::string layers_text(int64_t layers) {
  return std::to_string(layers) + (layers == 1 ? " cross layer" : " cross layers");
}

std::vector<Variant> variants(const DataSet& data, const ModelOptions& base) {
  std::vector<Variant> list{
      {"uniform attention, retrained", "all cells weigh alike, in training too",
       [](ModelOptions& model) { model.uniform_attention = true; }},
      {"no pictures", "question only: trained and tested with zeros in the place of all picture features",
       [](ModelOptions& model) { model.pictures = false; }},
  };
  for (int64_t layers = 1; layers < base.cross_layers; ++layers)
    list.push_back({layers_text(layers), "of " + std::to_string(base.cross_layers),
                    [layers](ModelOptions& model) { model.cross_layers = layers; }});
  list.push_back({"one head", std::to_string(base.attention_width) + " wide, of " + std::to_string(base.heads),
                  [](ModelOptions& model) { model.heads = 1; }});
  list.push_back(
      {"no null slot", "every word has to look somewhere", [](ModelOptions& model) { model.null_slot = false; }});
  list.push_back({"no positions", "cells do not know where they are",
                  [](ModelOptions& model) { model.picture_positions = false; }});
  if (data.recipe != Recipe::sort_of_clevr) return list;
  list.push_back({"no questions", "picture only: every question reads as the answer token alone",
                  [](ModelOptions& model) { model.questions = false; }});
  list.push_back({"equal widths", "cells brought to the " + std::to_string(base.word_width) + " of the words first",
                  [](ModelOptions& model) { model.equal_widths = true; }});
  list.push_back({"bag of words", "words do not read each other before they look",
                  [](ModelOptions& model) { model.text = TextEncoder::bag_of_words; }});
  list.push_back({"CNN + MLP", "no attention: all cells and the question into dense layers", [](ModelOptions& model) {
                    model.fusion = Fusion::mlp;
                    model.mlp_cell_width = 8;
                    model.mlp_hidden = 160;
                  }});
  list.push_back(
      {"FiLM", "no attention: the question scales and shifts convolutions of the cells", [](ModelOptions& model) {
         model.fusion = Fusion::film;
         model.film_width = 64;
         model.film_blocks = 3;
       }});
  return list;
}

}  // namespace

TrainingOptions ablation_options(const DataSet& data, const RunOptions& run) {
  TrainingOptions options = training_options(data, run);
  // The quick preset of `train` ends before relations are learned at all.
  if (data.recipe == Recipe::sort_of_clevr && run.preset == "quick") options.epochs = 6;
  return options;
}

std::vector<AblationRow> run_ablation(const DataSet& data, const TrainingOptions& options) {
  std::vector<AblationRow> rows;
  TrainingOptions training = options;
  training.run.out.clear();
  training.run.resume = false;
  training.evaluate_epochs = false;

  auto at_test_time = [&](VqaModel& model, const std::string& name, const std::string& meaning,
                          const EvaluationOptions& how) {
    Evaluation result = evaluate(model, data, data.test, how);
    rows.push_back({.name = name,
                    .meaning = meaning,
                    .accuracy = result.accuracy,
                    .pointing = result.pointing.all().share(),
                    .naming = result.naming.empty() ? NAN : result.naming.front().share(),
                    .parameters = num_parameters(model)});
  };
  auto trained = [&](const std::string& name, const std::string& meaning, const ModelOptions& model_options) {
    std::fprintf(stderr, "%s\n", name.c_str());
    VqaModel model = make_model(data, model_options, options.run.seed);
    FitResult run = run_training(model, data, training);
    at_test_time(model, name, meaning, {.pointing = model_options.pictures && !model.cross.empty()});
    rows.back().minutes = run.seconds / 60;
    return model;
  };
  const ModelOptions base = model_options(data);

  VqaModel model = trained("the model", "as in `vqa train`", base);
  at_test_time(model, "another picture", "keys and values of the next picture, at test time", {.other_pictures = true});
  VqaModel uniform = clone(model);
  make_attention_uniform(uniform);
  at_test_time(uniform, "uniform attention, test", "all cells weigh alike, at test time", {});
  at_test_time(model, "top cells deleted", "the 5 cells that a question looks at most are hidden from it",
               {.deletion = Deletion::attended});
  at_test_time(model, "random cells deleted", "5 random cells are hidden", {.deletion = Deletion::random});

  for (const Variant& variant : variants(data, base)) {
    ModelOptions changed = base;
    variant.change(changed);
    trained(variant.name, variant.meaning, changed);
  }
  return rows;
}

}  // namespace weft::examples::vqa
