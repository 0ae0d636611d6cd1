// A few steps of the examples' trainings, with a resumption and an evaluation, where the default device is not the
// host: what reads a device's memory there, or leaves a batch behind on the host, ends the test.

#include <catch2/catch.hpp>

#include <weft/core/parallel.hpp>
#include <weft/examples/hierarchical_fusion/legend_evaluation.hpp>
#include <weft/examples/hierarchical_fusion/legend_training.hpp>
#include <weft/examples/sensor_fusion/fusion_report.hpp>
#include <weft/examples/vqa/recipes.hpp>
#include <weft/examples/vqa/synthetic.hpp>
#include <weft/examples/vqa/training.hpp>
#include <weft/tests/support/same_bits.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using weft::test::TemporaryFolder;
using weft::testing::check_same_bits;

namespace {

/// The largest difference of two models' elements.
double difference(const State& a, const State& b) {
  REQUIRE(a.same_paths(b));
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor x = cast(a.value(i).to(Device()), DType::float64), y = cast(b.value(i).to(Device()), DType::float64);
    if (x.elements() > 0) largest = std::max(largest, max(abs(x - y)).item<double>());
  }
  return largest;
}

/// What `run()` gives on the default device, which differs from what it gives on the cpu by rounding alone.
template <class F> State check_like_cpu(F&& run) {
  State here = run();
  DeviceScope cpu{Device()};
  CHECK(difference(here, run()) < 2e-3);
  return here;
}

}  // namespace

TEST_CASE("vqa trains, resumes and is evaluated on this device", "[grid]") {
  const vqa::DataSet data = vqa::make_synthetic({.seed = 5, .train_pictures = 4, .test_pictures = 2});
  vqa::TrainingOptions options = vqa::training_options(data, {.preset = "quick", .seed = 3, .quiet = true});
  options.epochs = 1;
  options.pictures_per_batch = 2;
  options.warmup_steps = 2;
  auto train = [&](const vqa::TrainingOptions& how) {
    vqa::VqaModel model = vqa::make_model(data, vqa::model_options(data), 3);
    vqa::run_training(model, data, how);
    return state(model);
  };
  const State whole = check_like_cpu([&] { return train(options); });
  TemporaryFolder folder;
  vqa::TrainingOptions stopped = options, resumed = options;
  stopped.run.out = resumed.run.out = folder.path();
  stopped.run.stop_at_step = 1;
  resumed.run.resume = true;
  train(stopped);
  check_same_bits(whole, train(resumed));
  vqa::VqaModel model = vqa::make_model(data, vqa::model_options(data), 3);
  CHECK(vqa::evaluate(model, data, data.test, {.pointing = true}).predictions.size() == data.test.questions.size());
}

TEST_CASE("the legend task trains and is evaluated on this device", "[grid]") {
  hierarchy::LegendTrainingOptions options;
  options.epochs = 1;
  options.maps_per_epoch = 2;
  options.maps_per_batch = 1;
  options.warmup_steps = 2;
  options.epoch_maps = 1;
  check_like_cpu([&] {
    hierarchy::LegendModel model = hierarchy::make_legend_model({}, 3);
    RunOptions run;
    run.quiet = true;
    hierarchy::train_legend(model, options, run);
    return state(model);
  });
}

TEST_CASE("sensor fusion trains and is evaluated on this device", "[grid]") {
  fusion::DataOptions set;
  set.seed = 3;
  set.train_scenes = 2;
  set.test_scenes = 1;
  const fusion::FusionData data = fusion::load_data(set);
  fusion::TrainingOptions options = fusion::preset_options({.preset = "quick", .seed = 3, .quiet = true});
  options.epochs = 1;
  options.batch_size = 1;
  options.warmup_steps = 2;
  options.evaluate_epochs = true;
  check_like_cpu([&] {
    fusion::FusionModel model = fusion::make_model({}, 3, fusion::picture_height, fusion::picture_width);
    fusion::run_training(model, data, options);
    return state(model);
  });
}
