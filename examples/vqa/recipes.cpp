#include <weft/examples/vqa/recipes.hpp>

#include <algorithm>

namespace weft::examples::vqa {
namespace {

constexpr int64_t most_cells_across = 16;

void fit_sort_of_clevr(ModelOptions& model) {
  model.stages = {{32, 2}, {64, 2}, {96, 2}, {96, 1}};
  model.norm_momentum = 0.95;
  model.coordinates = true;
  model.cell_feed = true;
  model.word_width = 64;
  model.cross_layers = 3;
}

/// As for Sort-of-CLEVR, with as many halvings as bring the picture down to 16 cells across.
void fit_photographs(ModelOptions& model) {
  fit_sort_of_clevr(model);
  model.stages = {{32, 2}, {64, 2}, {96, 2}};
  for (int64_t cells = std::max(grid_of(model).rows, grid_of(model).columns); cells > most_cells_across;
       cells = (cells + 1) / 2)
    model.stages.push_back({128, 2});
  model.stages.push_back({128, 1});
  model.word_width = 96;
}

}  // namespace

ModelOptions model_options(const DataSet& data) {
  ModelOptions model{.vocabulary = data.vocabulary.size(),
                     .answers = static_cast<int64_t>(data.answers.size()),
                     .tokens = longest_question(data),
                     .height = data.train.height,
                     .width = data.train.width};
  if (data.recipe == Recipe::sort_of_clevr) fit_sort_of_clevr(model);
  if (data.recipe == Recipe::photographs) fit_photographs(model);
  return model;
}

TrainingOptions training_options(const DataSet& data, const RunOptions& run) {
  if (run.preset != "full" && run.preset != "quick")
    throw ValueError("preset: expected quick or full, got '" + run.preset + "'");
  const bool quick = run.preset == "quick";
  TrainingOptions training{.run = run};
  switch (data.recipe) {
    case Recipe::easy_vqa:
      if (quick) {
        training.epochs = 3;
        training.warmup_steps = 50;
      }
      break;
    case Recipe::sort_of_clevr:
      training.epochs = quick ? 3 : 50;
      training.learning_rate = 1.2e-3;
      training.beta2 = 0.98;
      training.warmup_steps = 150;
      training.mirror = false;
      training.questions_per_row = 0;
      training.easy_steps = 300;
      training.easy_questions = 10;
      training.skipped_questions = 6;
      training.curve_pictures = 500;
      break;
    case Recipe::photographs:
      training.epochs = quick ? 1 : 20;
      training.learning_rate = 5e-4;
      training.warmup_steps = 1000;
      training.mirror = false;
      training.questions_per_row = 5;
      break;
  }
  return training;
}

VqaModel make_model(const DataSet& data, const ModelOptions& options, uint64_t seed) {
  Rngs rngs(seed);
  VqaModel model(options, rngs);
  initialize(model, Tensor::meta({2, data.train.height, data.train.width, 3}), Tensor::meta({2}, DType::int32),
             Tensor::meta({2, 3, options.tokens}, DType::int32), Tensor::meta({2, 3, options.tokens}, DType::boolean));
  return model;
}

}  // namespace weft::examples::vqa
