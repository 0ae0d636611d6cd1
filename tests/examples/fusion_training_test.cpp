#include <algorithm>

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <weft/core/parallel.hpp>
#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/sensor_fusion/fusion_report.hpp>
#include <weft/examples/sensor_fusion/kitti_table.hpp>
#include <weft/examples/sensor_fusion/results_table.hpp>
#include <weft/tests/support/same_bits.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::testing;
using namespace weft::examples;
using namespace weft::examples::fusion;
using weft::test::TemporaryFolder;

namespace {

const FusionData& small_data() {
  static const FusionData data = [] {
    DataOptions options;
    options.seed = 3;
    options.train_scenes = 9;
    options.test_scenes = 5;
    return load_data(options);
  }();
  return data;
}

TrainingOptions short_run() {
  TrainingOptions options = preset_options({.preset = "quick", .seed = 3, .quiet = true});
  options.epochs = 2;
  options.batch_size = 3;
  options.warmup_steps = 2;
  return options;
}

FusionModel fresh_model(uint64_t seed = 3) { return make_model({}, seed, picture_height, picture_width); }

State trained(const TrainingOptions& options) {
  FusionModel model = fresh_model();
  run_training(model, small_data(), options);
  return state(model);
}

}  // namespace

TEST_CASE("training to fuse has the same bits at any number of threads", "[fusion][threads]") {
  set_num_threads(1);
  State first = trained(short_run());
  for (int threads : {2, 4}) {
    set_num_threads(threads);
    check_same_bits(first, trained(short_run()));
  }
}

TEST_CASE("training to fuse stopped and resumed has the bits of one run", "[fusion]") {
  State whole = trained(short_run());
  for (int64_t step : {2, 4}) {  // within the first epoch, and in the second
    TemporaryFolder folder;
    TrainingOptions stopped = short_run();
    stopped.run.out = folder.path();
    stopped.run.stop_at_step = step;
    FusionModel model = fresh_model();
    CHECK_FALSE(run_training(model, small_data(), stopped).finished);
    TrainingOptions resumed = short_run();
    resumed.run.out = folder.path();
    resumed.run.resume = true;
    FusionModel other = fresh_model(99);
    CHECK(run_training(other, small_data(), resumed).finished);
    check_same_bits(whole, state(other));
  }
}

TEST_CASE("the model learns a few scenes by heart", "[fusion]") {
  FusionData data = small_data();
  std::vector<Scene> scenes = test_scenes(4, {.condition = Condition::clear});
  data.train_scenes = 4;
  data.train = [scenes](int64_t index, RandomSequence&) { return scenes[static_cast<size_t>(index)]; };
  TrainingOptions options = short_run();
  options.batch_size = 4;
  options.epochs = 60;
  options.drop_camera = options.drop_lidar = options.other_picture = 0;
  FusionModel model = fresh_model();
  FitResult result = run_training(model, data, options);
  std::vector<double> loss = result.history.column("loss");
  CHECK(loss.back() < 0.35 * loss.front());
}

TEST_CASE("scenes of an epoch are new ones, and those of a test the same", "[fusion]") {
  RandomSequence one{RandomKey{1}}, two{RandomKey{2}}, one_again{RandomKey{1}};
  const FusionData& data = small_data();
  std::vector<float> first = data.train(0, one).points;
  CHECK(first != data.train(0, two).points);
  CHECK(first == data.train(0, one_again).points);
  CHECK(test_scenes(2, {})[1].points == data.test[1].points);
  DataOptions alive;
  alive.train_scenes = 1;
  alive.test_scenes = 0;
  alive.missing_sensors = false;
  FusionData others = load_data(alive);
  for (uint64_t i = 0; i < 40; ++i) {
    RandomSequence random{RandomKey{i}};
    Condition condition = others.train(0, random).condition;
    CHECK(condition != Condition::camera_dead);
    CHECK(condition != Condition::lidar_dead);
  }
  alive.name = "waymo";
  CHECK_THROWS_AS(load_data(alive), ValueError);
}

TEST_CASE("detections do not depend on the other scenes of a batch", "[fusion]") {
  FusionModel model = fresh_model();
  const FusionData& data = small_data();
  std::vector<Frame> all = detect(model, data.test, data.grid);
  REQUIRE(all.size() == 5);
  std::vector<Frame> one = detect(model, {data.test[2]}, data.grid);
  REQUIRE(one[0].found.size() == all[2].found.size());
  for (size_t i = 0; i < one[0].found.size(); ++i) CHECK(one[0].found[i].centre == all[2].found[i].centre);
}

TEST_CASE("a set in KITTI's layout is trained and tested on, with KITTI's measure", "[fusion]") {
  TemporaryFolder folder;
  write_kitti(folder.path(), make_scenes(3, 8, {.condition = Condition::clear}));
  DataOptions options;
  options.name = "kitti";
  options.folder = folder.path();
  FusionData data = load_data(options);
  CHECK(data.train_scenes == 3);
  CHECK(data.test.size() == 3);
  CHECK(data.grid.extent == 48);
  FusionModel model = make_model({}, 1, data.picture_height, data.picture_width);
  TrainingOptions training = short_run();
  training.epochs = 1;
  CHECK(run_training(model, data, training).finished);
  TestSummary test = run_test(model, data, scenes_of_condition(data));
  CHECK(test.mixed.mean_ap() >= 0);
  std::string table = kitti_table(model, data, options);
  CHECK(table.find("| car, ") != std::string::npos);
  CHECK(std::count(table.begin(), table.end(), '\n') == 11);
}

TEST_CASE("a run leaves metrics, a report, pictures and a row of the table", "[fusion]") {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path();
  FusionModel model = fresh_model();
  const FusionData& data = small_data();
  RunSummary summary;
  summary.options = short_run();
  summary.test = run_test(model, data, 2);
  summary.parameters = num_parameters(model);
  CHECK(summary.test.scenes == 5);
  CHECK(summary.test.by_condition[4].mean_ap() >= 0);
  write_metrics(path / "metrics.json", data, summary);
  CHECK(read_metrics(path / "metrics.json")["map"] == summary.test.mixed.mean_ap());
  write_report(path / "report.html", model, data, summary);
  CHECK(std::filesystem::file_size(path / "report.html") > 100000);
  CHECK(write_frames(path / "show", model, data, 1).size() == conditions.size());
  CHECK(std::filesystem::exists(path / "show" / "fog.png"));
  CHECK_THROWS_AS(write_frames(path / "show", model, data, 5), IndexError);
  std::string table = results_table({path / "metrics.json", path / "metrics.json"});
  CHECK(table.find("| fusion | attention |\n|---|---|\n| runs | 2 |\n| mixed | ") == 0);
  CHECK(table.find("± 0.0") != std::string::npos);
}
