#include <weft/examples/sensor_fusion/ablation.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace weft::examples::fusion {
namespace {

struct Variant {
  std::string name, meaning;
  ModelOptions model = {};
  bool missing_sensors = true;
};

std::vector<Variant> variants() {
  std::vector<Variant> list{
      {"attention", "the model of `fusion train`"},
      {"camera", "no LiDAR", {.fusion = Fusion::camera}},
      {"LiDAR", "no camera", {.fusion = Fusion::lidar}},
      {"late", "a camera and a LiDAR detector, outputs combined", {.fusion = Fusion::late}},
      {"mean", "camera features at the projected cell, averaged with LiDAR's", {.fusion = Fusion::mean}},
      {"concatenation", "the same features, concatenated", {.fusion = Fusion::concatenation}},
      {"no null slot", "every cell has to look somewhere", {.null_slot = false}},
      {"no directions", "tokens and cells do not know where they lie", {.directions = false}},
      {"uniform attention", "all tokens weigh alike, in training too", {.uniform_attention = true}},
      {"one cross layer", "of two", {.cross_layers = 1}},
      {"three cross layers", "instead of two", {.cross_layers = 3}},
      {"one head", "96 wide, of three 32 wide", {.heads = 1}},
      {"all sensors in training", "no training scene lacks a sensor or has another's picture", {}, false},
      {"concatenation, all sensors", "concatenation, trained so", {.fusion = Fusion::concatenation}, false},
  };
  return list;
}

std::vector<double> numbers(const TestSummary& test) {
  std::vector<double> values{test.mixed.mean_ap()};
  for (const NuScenesResult& scores : test.by_condition) values.push_back(scores.mean_ap());
  for (const NuScenesResult& scores : test.by_range) values.push_back(scores.mean_ap());
  for (double value : {test.by_yaw[2], test.both, test.lidar_alone, test.camera_alone}) values.push_back(value);
  return values;
}

}  // namespace

AblationTable run_ablation(const FusionData& data, const TrainingOptions& options,
                           const std::vector<std::string>& only) {
  AblationTable table;
  table.title = "LiDAR and camera: what if";
  table.subtitle = data.name + ", preset " + options.run.preset + ", seed " + std::to_string(options.run.seed);
  table.lead =
      "nuScenes mAP of models with about the same number of parameters, each trained anew; the last three columns are "
      "over clear weather, night and fog in equal parts, with both sensors and with one taken away.";
  for (const char* name : {"mixed", "clear", "night", "fog", "camera dead", "LiDAR dead", "0-12 m", "12-24 m",
                           "24 m on", "2 degrees", "LC", "L", "C"})
    table.columns.push_back({name, NumberStyle::percent, 1});
  DataOptions other;
  other.seed = options.run.seed;
  other.train_scenes = data.train_scenes;
  other.test_scenes = 0;
  other.missing_sensors = false;
  for (const Variant& variant : variants()) {
    if (!only.empty() && std::find(only.begin(), only.end(), variant.name) == only.end()) continue;
    std::fprintf(stderr, "%s\n", variant.name.c_str());
    TrainingOptions training = options;
    training.run.out.clear();
    training.run.resume = false;
    training.evaluate_epochs = false;
    FusionData trained_on = data;
    if (!variant.missing_sensors) {
      training.drop_camera = training.drop_lidar = training.other_picture = 0;
      if (data.made) trained_on.train = load_data(other).train;
    }
    FusionModel model = make_model(variant.model, options.run.seed, data.picture_height, data.picture_width);
    FitResult run = run_training(model, trained_on, training);
    TestSummary test = run_test(model, data, std::max<int64_t>(std::ssize(data.test) / 4, 1));
    table.add({variant.name, variant.meaning, numbers(test), {}, run.seconds / 60});
    if (variant.name != "attention") continue;
    auto at_test = [&](const char* name, const char* meaning, double map) {
      std::vector<double> values(table.columns.size(), NAN);
      values[10] = map;
      table.add({name, meaning, values, {}, 0});
    };
    at_test("pictures of other scenes", "at test time", test.other_pictures);
    at_test("uniform attention at test", "all tokens weigh alike, at test time", test.uniform);
  }
  return table;
}

}  // namespace weft::examples::fusion
