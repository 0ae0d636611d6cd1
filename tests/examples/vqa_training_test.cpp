#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include <weft/core/parallel.hpp>
#include <weft/examples/vqa/ablation.hpp>
#include <weft/examples/vqa/pointing.hpp>
#include <weft/examples/vqa/sort_of_clevr.hpp>
#include <weft/examples/vqa/synthetic.hpp>
#include <weft/tests/support/same_bits.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::testing;
using namespace weft::examples::vqa;
using weft::test::TemporaryFolder;

namespace {

const DataSet& small_data() {
  static const DataSet data = make_synthetic({.seed = 5, .train_pictures = 48, .test_pictures = 12});
  return data;
}

TrainingOptions short_run() {
  TrainingOptions options = training_options(small_data(), {.preset = "quick", .seed = 3, .quiet = true});
  options.epochs = 2;
  options.pictures_per_batch = 16;
  options.warmup_steps = 2;
  options.evaluate_epochs = false;
  return options;
}

State trained(const TrainingOptions& options) {
  VqaModel model = make_model(small_data(), model_options(small_data()), options.run.seed);
  run_training(model, small_data(), options);
  return state(model);
}

}  // namespace

TEST_CASE("training has the same bits twice and at any number of threads", "[vqa][threads]") {
  set_num_threads(1);
  State first = trained(short_run());
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    check_same_bits(first, trained(short_run()));
  }
}

TEST_CASE("training stopped at any step and resumed has the bits of one run", "[vqa]") {
  TrainingOptions options = short_run();
  State whole = trained(options);
  for (int64_t step : {1, 3, 4}) {  // within an epoch, at its end, in the next one
    TemporaryFolder folder;
    TrainingOptions stopped = options;
    stopped.run.out = folder.path();
    stopped.run.stop_at_step = step;
    VqaModel model = make_model(small_data(), model_options(small_data()), options.run.seed);
    CHECK_FALSE(run_training(model, small_data(), stopped).finished);
    TrainingOptions resumed = options;
    resumed.run.out = folder.path();
    resumed.run.resume = true;
    VqaModel fresh = make_model(small_data(), model_options(small_data()), 99);
    FitResult result = run_training(fresh, small_data(), resumed);
    CHECK(result.finished);
    CHECK(result.history.rows() == 2);
    check_same_bits(whole, state(fresh));
  }
}

TEST_CASE("the model learns its training pictures", "[vqa]") {
  TrainingOptions options = short_run();
  options.epochs = 40;
  options.mirror = false;
  VqaModel model = make_model(small_data(), model_options(small_data()), options.run.seed);
  FitResult result = run_training(model, small_data(), options);
  CHECK(result.history.last("loss") < 0.5 * result.history.column("loss").front());
  CHECK(result.history.last("loss") < 0.45);
}

TEST_CASE("evaluation is the same twice and does not depend on the batch", "[vqa]") {
  VqaModel model = make_model(small_data(), model_options(small_data()), 1);
  Evaluation a = evaluate(model, small_data(), small_data().test, {.pointing = true});
  Evaluation b = evaluate(model, small_data(), small_data().test);
  CHECK(a.predictions == b.predictions);
  CHECK(a.predictions.size() == small_data().test.questions.size());
  CHECK(a.pointing.all().total > 0);
  // One picture alone.
  eval(model);
  const Split& test = small_data().test;
  std::vector<std::vector<int32_t>> questions;
  for (const Question& question : test.questions_of(0)) questions.push_back(question.tokens);
  Batch batch = make_batch(test.pixels_of(0), test.height, test.width, questions);
  std::vector<int64_t> best =
      argmax(model(batch.pictures, batch.row, batch.tokens, batch.real), -1).to_vector<int64_t>();
  for (size_t i = 0; i < best.size(); ++i) CHECK(best[i] == a.predictions[i]);
}

TEST_CASE("resuming without a checkpoint is an error", "[vqa]") {
  TemporaryFolder folder;
  TrainingOptions options = short_run();
  options.run.out = folder.path();
  options.run.resume = true;
  VqaModel model = make_model(small_data(), model_options(small_data()), 0);
  CHECK_THROWS_AS(run_training(model, small_data(), options), FileError);
  CHECK_THROWS_AS(training_options(small_data(), {.preset = "huge"}), ValueError);
}

TEST_CASE("Sort-of-CLEVR's curriculum on fresh pictures resumes with the same bits", "[vqa]") {
  const DataSet data = make_sort_of_clevr({.train_pictures = 20, .test_pictures = 5});
  TrainingOptions options = training_options(data, {.preset = "quick", .seed = 3, .quiet = true});
  options.epochs = 2;
  options.pictures_per_batch = 7;
  options.easy_steps = 2;
  options.warmup_steps = 1;
  options.evaluate_epochs = false;
  ModelOptions small = model_options(data);
  small.stages = {{5, 2}, {7, 2}, {11, 2}};
  auto run = [&](const TrainingOptions& how) {
    VqaModel model = make_model(data, small, 1);
    run_training(model, data, how);
    return state(model);
  };
  State whole = run(options);
  for (int64_t step : {1, 2, 4}) {  // easy questions alone, at the change, in the next epoch
    TemporaryFolder folder;
    TrainingOptions stopped = options, resumed = options;
    stopped.run.out = resumed.run.out = folder.path();
    stopped.run.stop_at_step = step;
    resumed.run.resume = true;
    run(stopped);
    check_same_bits(whole, run(resumed));
  }
  TrainingOptions all_questions = options;
  all_questions.easy_steps = 0;
  CHECK_FALSE(run(all_questions).value(0).to_vector<float>() == whole.value(0).to_vector<float>());
}

TEST_CASE("every variant of the model answers, and a hidden cell is not seen", "[vqa]") {
  const DataSet data = make_sort_of_clevr({.train_pictures = 2, .test_pictures = 3});
  const ModelOptions base = model_options(data);
  CHECK(grid_of(base) == Grid{10, 10});
  std::vector<ModelOptions> variants(8, base);
  variants[1].text = TextEncoder::bag_of_words;
  variants[2].text = TextEncoder::gru;
  variants[3].fusion = Fusion::mlp;
  variants[3].mlp_cell_width = 3;
  variants[3].mlp_hidden = 11;
  variants[4].fusion = Fusion::film;
  variants[4].film_width = 5;
  variants[4].film_blocks = 1;
  variants[5].equal_widths = true;
  variants[6].cell_layers = 1;
  variants[7].questions = false;
  std::vector<std::vector<int32_t>> predictions;
  for (const ModelOptions& variant : variants) {
    VqaModel model = make_model(data, variant, 5);
    predictions.push_back(evaluate(model, data, data.test).predictions);
    CHECK(predictions.back().size() == 90);
  }
  // Without its words a question is like any other.
  CHECK(std::set<int32_t>(predictions[7].begin(), predictions[7].begin() + 30).size() == 1);

  VqaModel model = make_model(data, base, 5);
  PictureSet pictures(data.test);
  DataLoader loader(pictures, {.batch_size = 3});
  Batch batch = loader.batch_at(0, 0);
  std::vector<Tensor> maps = attention_maps(model, batch);
  REQUIRE(maps.size() == 3);
  Tensor visible = visible_cells(maps, batch, grid_of(base), Deletion::attended);
  CHECK(sum(visible).item<int64_t>() == 3 * 30 * 12 * 95);
  eval(model);
  auto [logits, sown] = capture([&] { return model(batch.pictures, batch.row, batch.tokens, batch.real, visible); });
  Tensor weights = slice_axis(Tensor(sown["cross.1.attend.attention_weights"]), -1, 0, 100);
  CHECK(max(where(visible, 0.0f, weights)).item<float>() == 0);
  CHECK(max(weights).item<float>() > 0);
  // Each question has lost the cells that it looked at most, so what is left is less.
  Tensor random = visible_cells({}, batch, grid_of(base), Deletion::random);
  CHECK(sum(random).item<int64_t>() == 3 * 30 * 12 * 95);
  CHECK(sum(where(visible, slice_axis(maps[0], -1, 0, 100), 0.0f)).item<float>() <
        sum(where(random, slice_axis(maps[0], -1, 0, 100), 0.0f)).item<float>());
}

TEST_CASE("the windows of a picture's cells lie on the cells", "[vqa]") {
  using Pairs = std::vector<std::pair<int64_t, int64_t>>;
  CHECK(centred_paddings({{16, 2}, {32, 2}, {64, 2}}, 64) == Pairs{{1, 0}, {1, 0}, {0, 1}});
  CHECK(centred_paddings({{32, 2}, {64, 2}, {96, 2}, {96, 1}}, 75) == Pairs{{1, 1}, {0, 1}, {1, 1}, {1, 1}});
}

TEST_CASE("pointing is counted against the objects of a picture", "[vqa]") {
  const DataSet data = make_sort_of_clevr({.train_pictures = 2, .test_pictures = 1});
  PictureSet pictures(data.test);
  Batch batch = DataLoader(pictures, {.batch_size = 1}).batch_at(0, 0);
  const Grid grid{10, 10};
  const int64_t tokens = batch.tokens.size(2);
  // Every word looks at the cell that its question's first object is in, the answer token at the target's.
  std::vector<float> weights(static_cast<size_t>(30 * tokens * 101), 0);
  int64_t naming = 0, targets = 0;
  for (size_t q = 0; q < 30; ++q) {
    const Question& question = *batch.questions[0][q];
    auto cell_of = [&](int16_t place) {
      const PictureObject& object = data.test.objects_of(0)[static_cast<size_t>(place)];
      return static_cast<size_t>(object.y / 7.5f) * 10 + static_cast<size_t>(object.x / 7.5f);
    };
    for (size_t token = 0; token < static_cast<size_t>(tokens); ++token) {
      int16_t looked_at = question.mentions[0].object;
      if (token == 0 && question.target >= 0) looked_at = question.target;
      if (std::cmp_equal(token, question.mentions[1].token)) looked_at = question.mentions[1].object;
      weights[(q * static_cast<size_t>(tokens) + token) * 101 + cell_of(looked_at)] = 1;
    }
    targets += question.target >= 0;
    naming += 1 + (question.mentions[1].token >= 0);
  }
  Evaluation result;
  result.pointing = AccuracyByKind(data.kinds);
  count_pointing({Tensor::from(weights, {1, 1, 30 * tokens, 101})}, batch, data, data.test, grid, result);
  CHECK(result.pointing.all().total == targets);
  CHECK(result.pointing.all().hits == targets);
  CHECK(result.pointing_by_layer.at(0).hits == targets);
  CHECK(result.naming.at(0).total == naming);
  CHECK(result.naming.at(0).hits == naming);
  std::reverse(weights.begin(), weights.end());
  Evaluation wrong;
  wrong.pointing = AccuracyByKind(data.kinds);
  count_pointing({Tensor::from(weights, {1, 1, 30 * tokens, 101})}, batch, data, data.test, grid, wrong);
  CHECK(wrong.naming.at(0).hits < naming / 2);
}
