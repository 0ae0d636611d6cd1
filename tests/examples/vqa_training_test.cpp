#include <catch2/catch.hpp>

#include <cstring>

#include <weft/core/parallel.hpp>
#include <weft/examples/vqa/ablation.hpp>
#include <weft/examples/vqa/synthetic.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples::vqa;
using weft::test::TemporaryFolder;

namespace {

const DataSet& small_data() {
  static const DataSet data = make_synthetic({.seed = 5, .train_pictures = 48, .test_pictures = 12});
  return data;
}

TrainingOptions short_run() {
  TrainingOptions options = preset_options("quick");
  options.epochs = 2;
  options.pictures_per_batch = 16;
  options.warmup_steps = 2;
  options.evaluate_epochs = false;
  options.progress = false;
  options.seed = 3;
  return options;
}

State trained(const TrainingOptions& options) {
  VqaModel model = make_model(small_data(), model_options(small_data()), options.seed);
  run_training(model, small_data(), options);
  return state(model);
}

void check_same_bits(const State& a, const State& b) {
  REQUIRE(a.same_paths(b));
  for (size_t i = 0; i < a.size(); ++i) {
    INFO(a.path(i));
    CHECK(std::memcmp(a.value(i).raw(), b.value(i).raw(), static_cast<size_t>(a.value(i).bytes())) == 0);
  }
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
    stopped.folder = folder.path();
    stopped.stop_at_step = step;
    VqaModel model = make_model(small_data(), model_options(small_data()), options.seed);
    CHECK_FALSE(run_training(model, small_data(), stopped).finished);
    TrainingOptions resumed = options;
    resumed.folder = folder.path();
    resumed.resume = true;
    VqaModel fresh = make_model(small_data(), model_options(small_data()), 99);
    TrainingResult result = run_training(fresh, small_data(), resumed);
    CHECK(result.finished);
    CHECK(result.history.size() == 2);
    check_same_bits(whole, state(fresh));
  }
}

TEST_CASE("the model learns its training pictures", "[vqa]") {
  TrainingOptions options = short_run();
  options.epochs = 40;
  options.mirror = false;
  VqaModel model = make_model(small_data(), model_options(small_data()), options.seed);
  TrainingResult result = run_training(model, small_data(), options);
  CHECK(result.history.back().loss < 0.5 * result.history.front().loss);
  CHECK(result.history.back().loss < 0.45);
}

TEST_CASE("evaluation is the same twice and does not depend on the batch", "[vqa]") {
  VqaModel model = make_model(small_data(), model_options(small_data()), 1);
  Evaluation a = evaluate(model, small_data(), small_data().test, {.pointing = true});
  Evaluation b = evaluate(model, small_data(), small_data().test);
  CHECK(a.predictions == b.predictions);
  CHECK(a.predictions.size() == small_data().test.questions.size());
  CHECK(a.pointing_total > 0);
  // One picture alone.
  eval(model);
  const Split& test = small_data().test;
  std::vector<std::vector<int32_t>> questions;
  for (const Question& question : test.questions_of(0)) questions.push_back(question.tokens);
  Batch batch = make_batch(test.pixels_of(0), test.height, test.width, questions);
  std::vector<int64_t> best = argmax(model(batch.pictures, batch.tokens, batch.real), -1).to_vector<int64_t>();
  for (size_t i = 0; i < best.size(); ++i) CHECK(best[i] == a.predictions[i]);
}

TEST_CASE("resuming without a checkpoint is an error", "[vqa]") {
  TemporaryFolder folder;
  TrainingOptions options = short_run();
  options.folder = folder.path();
  options.resume = true;
  VqaModel model = make_model(small_data(), model_options(small_data()), 0);
  CHECK_THROWS_AS(run_training(model, small_data(), options), FileError);
  CHECK_THROWS_AS(preset_options("huge"), ValueError);
}
