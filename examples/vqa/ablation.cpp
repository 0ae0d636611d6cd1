#include <weft/examples/vqa/ablation.hpp>

#include <cmath>
#include <cstdio>

namespace weft::examples::vqa {
namespace {

double pointing_of(const Evaluation& result) {
  return result.pointing_total == 0 ? NAN
                                    : static_cast<double>(result.pointed) / static_cast<double>(result.pointing_total);
}

AblationRow at_test_time(VqaModel& model, const DataSet& data, std::string name, std::string meaning,
                         EvaluationOptions options) {
  Evaluation result = evaluate(model, data, data.test, options);
  return {std::move(name), std::move(meaning), result.accuracy, pointing_of(result), 0};
}

}  // namespace

VqaModel make_model(const DataSet& data, const ModelOptions& options, uint64_t seed) {
  Rngs rngs(seed);
  VqaModel model(options, rngs);
  initialize(model, Tensor::meta({2, data.train.height, data.train.width, 3}),
             Tensor::meta({2, 3, options.tokens}, DType::int32), Tensor::meta({2, 3, options.tokens}, DType::boolean));
  return model;
}

std::vector<AblationRow> run_ablation(const DataSet& data, const TrainingOptions& options) {
  std::vector<AblationRow> rows;
  TrainingOptions training = options;
  training.folder.clear();
  training.resume = false;
  training.evaluate_epochs = false;

  auto trained = [&](std::string name, std::string meaning, ModelOptions model_options) {
    std::fprintf(stderr, "%s\n", name.c_str());
    VqaModel model = make_model(data, model_options, options.seed);
    TrainingResult run = run_training(model, data, training);
    rows.push_back(
        at_test_time(model, data, std::move(name), std::move(meaning), {.pointing = model_options.pictures}));
    rows.back().minutes = run.seconds / 60;
    return model;
  };
  ModelOptions base = model_options(data), changed = base;

  VqaModel model = trained("the model", "as in `vqa train`", base);
  rows.push_back(at_test_time(model, data, "another picture", "keys and values of the next picture, at test time",
                              {.other_pictures = true}));
  VqaModel uniform = clone(model);
  make_attention_uniform(uniform);
  rows.push_back(at_test_time(uniform, data, "uniform attention, test", "all cells weigh alike, at test time", {}));

  changed.uniform_attention = true;
  trained("uniform attention, retrained", "all cells weigh alike, in training too", changed);
  changed = base;
  changed.pictures = false;
  trained("no pictures", "trained and tested with zeros in the place of all picture features", changed);
  changed = base;
  changed.cross_layers = 1;
  trained("one cross layer", "of two", changed);
  changed = base;
  changed.heads = 1;
  trained("one head", "64 wide, of four 16 wide", changed);
  changed = base;
  changed.null_slot = false;
  trained("no null slot", "every word has to look somewhere", changed);
  changed = base;
  changed.picture_positions = false;
  trained("no positions", "cells do not know where they are", changed);
  return rows;
}

}  // namespace weft::examples::vqa
