#include <weft/examples/sensor_fusion/fusion_report.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <weft/examples/common/png.hpp>
#include <weft/examples/common/report.hpp>
#include <weft/examples/sensor_fusion/frame_picture.hpp>

namespace weft::examples::fusion {
namespace {

std::string number(double value, const char* format = "%.1f") {
  if (!std::isfinite(value)) return "-";
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
std::string percent(double share) { return std::isfinite(share) ? number(100 * share) + " %" : "-"; }

std::string key_of(Condition condition) { return name_of(condition); }

std::vector<std::string> range_names(const BevGrid& grid) {
  std::array<RangeBand, 3> bands = range_bands(grid);
  return {"0-" + number(bands[0].farthest, "%.0f") + " m",
          number(bands[1].nearest, "%.0f") + "-" + number(bands[1].farthest, "%.0f") + " m",
          "from " + number(bands[2].nearest, "%.0f") + " m"};
}

Table scores_table(const FusionData& data, const TestSummary& test) {
  Table table{.header = {"test scenes", "mAP", "car", "pedestrian", "cyclist", "centre error"},
              .rows = {},
              .caption = data.made ? "mixed: " + std::to_string(test.scenes) + " scenes; each condition: the same " +
                                         std::to_string(test.scenes_of_condition) + " scenes"
                                   : std::to_string(test.scenes) + " scenes"};
  auto add = [&](const std::string& name, const NuScenesResult& result) {
    std::vector<std::string> row{name, percent(result.mean_ap())};
    for (ObjectClass object : object_classes) row.push_back(percent(result.ap_of(object)));
    row.push_back(number(result.mean_centre_error(), "%.2f m"));
    table.rows.push_back(std::move(row));
  };
  add("mixed", test.mixed);
  for (Condition condition : conditions)
    if (std::isfinite(test.by_condition[static_cast<size_t>(condition)].mean_ap()))
      add(name_of(condition), test.by_condition[static_cast<size_t>(condition)]);
  std::vector<std::string> names = range_names(data.grid);
  for (size_t i = 0; i < names.size(); ++i) add("mixed, " + names[i], test.by_range[i]);
  return table;
}

LineChart precision_chart(const TestSummary& test) {
  LineChart chart{.title = "Precision and recall, matches within 2 m",
                  .x_label = "recall",
                  .y_label = "precision",
                  .y_min = 0,
                  .y_max = 1};
  for (ObjectClass object : object_classes) {
    const PrecisionRecall& curve = test.precision[static_cast<size_t>(object)];
    Series series{.name = name_of(object), .x = {}, .y = {}};
    for (size_t i = 0; i < curve.precision.size() && curve.confidence[i] > 0; ++i) {
      series.x.push_back(static_cast<double>(i) / 100);
      series.y.push_back(curve.precision[i]);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

BarChart condition_chart(const TestSummary& test) {
  BarChart chart{.title = "mAP by condition", .y_label = "mAP", .y_style = NumberStyle::percent};
  chart.bars = {{"mAP", {}}};
  for (Condition condition : conditions) {
    chart.groups.push_back(name_of(condition));
    chart.bars[0].values.push_back(test.by_condition[static_cast<size_t>(condition)].mean_ap());
  }
  return chart;
}

BarChart range_chart(const FusionData& data, const TestSummary& test) {
  BarChart chart{
      .title = "mAP by range", .y_label = "mAP", .groups = range_names(data.grid), .y_style = NumberStyle::percent};
  chart.bars = {{"mixed", {}}, {"both sensors alive", {}}, {"clear", {}}};
  for (const NuScenesResult& result : test.by_range) chart.bars[0].values.push_back(result.mean_ap());
  for (const NuScenesResult& result : test.both_by_range) chart.bars[1].values.push_back(result.mean_ap());
  for (const NuScenesResult& result : test.clear_by_range) chart.bars[2].values.push_back(result.mean_ap());
  return chart;
}

LineChart yaw_chart(const TestSummary& test) {
  return {.title = "A camera turned, and the model not told",
          .x_label = "degrees",
          .y_label = "mAP",
          .series = {{"mAP", {unknown_yaws.begin(), unknown_yaws.end()}, {test.by_yaw.begin(), test.by_yaw.end()}}},
          .references = {{"LiDAR alone", test.lidar_alone}},
          .y_style = NumberStyle::percent,
          .y_min = 0};
}

void add_curves(Report& report, const History& history) {
  if (history.empty()) return;
  std::vector<double> epochs = history.column("epoch");
  report.chart(LineChart{.title = "Loss",
                         .x_label = "epoch",
                         .y_label = "loss",
                         .series = {{"training", epochs, history.column("loss")}}});
  if (history.has("mAP"))
    report.chart(LineChart{.title = "After each epoch, on a part of the test scenes",
                           .x_label = "epoch",
                           .y_label = "mAP, %",
                           .series = {{"mAP", epochs, history.column("mAP")}},
                           .y_min = 0});
}

void add_evidence(Report& report, const FusionData& data, const TestSummary& test) {
  const Evidence& evidence = test.evidence;
  report.section("Where attention goes",
                 "For cells that hold an object with at least four visible pixels, mean of layers and heads. Gain: the "
                 "share of attention inside the object's projection over the share of the picture that it takes, 1 "
                 "for uniform attention. Null: what goes to the null slot, which stands for looking at nothing.");
  Table table{.header = {"scenes", "objects", "attention inside", "area", "gain", "null"}, .rows = {}, .caption = ""};
  auto add = [&](const std::string& name, const AttentionShare& share) {
    if (share.objects == 0) return;
    auto objects = static_cast<double>(share.objects);
    table.rows.push_back({name, std::to_string(share.objects), percent(share.inside / objects),
                          percent(share.area / objects), number(share.gain()), percent(share.null_share())});
  };
  for (Condition condition : conditions) add(name_of(condition), evidence.by_condition[static_cast<size_t>(condition)]);
  std::vector<std::string> ranges = range_names(data.grid);
  for (size_t i = 0; i < ranges.size(); ++i) add("both sensors, " + ranges[i], evidence.by_range[i]);
  const char* fog[4] = {"fog, 20-30 m", "fog, 30-40 m", "fog, 40-50 m", "fog, 50-60 m"};
  const char* night[4] = {"night, below 5 % of daylight", "night, 5-6.5 %", "night, 6.5-8 %", "night, above 8 %"};
  for (size_t i = 0; i < 4; ++i) add(fog[i], evidence.by_visibility[i]);
  for (size_t i = 0; i < 4; ++i) add(night[i], evidence.by_ambient[i]);
  if (table.rows.empty()) report.paragraph("This model has no attention.");
  else report.table(table);
  report.table({.header = {"both sensors alive: clear, night and fog", "mAP"},
                .rows = {{"as it is", percent(test.both)},
                         {"camera taken away", percent(test.lidar_alone)},
                         {"LiDAR taken away", percent(test.camera_alone)},
                         {"pictures of other scenes", percent(test.other_pictures)},
                         {"uniform attention", percent(test.uniform)}},
                .caption = "Changes at test time alone"});
}

/// One scene in every condition, or the one there is.
std::vector<Scene> views_of(const FusionData& data, int64_t index) {
  if (!data.made) return {data.test.at(static_cast<size_t>(index))};
  std::vector<Scene> scenes;
  for (Condition condition : conditions) scenes.push_back(test_scene(index, {.condition = condition}));
  return scenes;
}

/// The test scene with the best object to look at among the first hundred.
int64_t chosen_index(const FusionData& data) {
  size_t count = std::min<size_t>(data.test.size(), 100);
  for (size_t i = 0; i < count; ++i) {
    const Scene& scene = data.test[i];
    std::optional<Box> box = interesting_object(scene, data.grid);
    if (box && box->object != ObjectClass::car && box->range() > data.grid.extent * 0.4 &&
        box->range() < data.grid.extent * 0.6 && box->visible_pixels >= 20 && scene.boxes.size() >= 5)
      return static_cast<int64_t>(i);
  }
  return 0;
}

std::vector<Figure> frame_figures(FusionModel& model, const FusionData& data, int64_t index) {
  if (data.test.empty()) throw ValueError("show: there are no test scenes");
  if (index < 0) index = chosen_index(data);
  if (index >= std::ssize(data.test))
    throw IndexError("show: expected an index below " + std::to_string(data.test.size()) + ", got " +
                     std::to_string(index));
  std::vector<Figure> figures;
  std::optional<Box> box;
  for (const Scene& scene : views_of(data, index)) {
    if (!box) box = interesting_object(scene, data.grid);
    FrameView view = look_at(model, scene, data.grid, box);
    figures.push_back({frame_picture(view, data.grid), name_of(scene.condition)});
  }
  return figures;
}

}  // namespace

int64_t scenes_of_condition(const FusionData& data) {
  return std::max<int64_t>(static_cast<int64_t>(data.test.size()) / 4, 1);
}

void write_metrics(const std::filesystem::path& path, const FusionData& data, const RunSummary& summary) {
  const TestSummary& test = summary.test;
  MetricsFile file;
  file.set("data", data.name);
  file.set("fusion", name_of(summary.model.fusion));
  set_run_metrics(file, summary.options.run, summary.training, summary.parameters);
  file.set("minutes", summary.minutes);
  file.set("test_scenes", test.scenes);
  file.set("map", test.mixed.mean_ap());
  file.set("centre_error", test.mixed.mean_centre_error());
  for (ObjectClass object : object_classes) file.set(std::string("map_") + name_of(object), test.mixed.ap_of(object));
  for (Condition condition : conditions)
    file.set("map_" + key_of(condition), test.by_condition[static_cast<size_t>(condition)].mean_ap());
  const char* ranges[3] = {"near", "middle", "far"};
  for (size_t i = 0; i < 3; ++i) file.set(std::string("map_") + ranges[i], test.by_range[i].mean_ap());
  for (size_t i = 0; i < 3; ++i) file.set(std::string("map_both_") + ranges[i], test.both_by_range[i].mean_ap());
  for (size_t i = 0; i < unknown_yaws.size(); ++i)
    file.set("map_yaw_" + number(unknown_yaws[i], "%.0f"), test.by_yaw[i]);
  file.set("map_both", test.both);
  file.set("map_lidar_alone", test.lidar_alone);
  file.set("map_camera_alone", test.camera_alone);
  file.set("map_other_pictures", test.other_pictures);
  file.set("map_uniform_attention", test.uniform);
  file.set("pointing_gain", test.evidence.seeing().gain());
  for (size_t i = 0; i < 3; ++i) file.set(std::string("gain_") + ranges[i], test.evidence.by_range[i].gain());
  for (size_t i = 0; i < 3; ++i) file.set(std::string("map_clear_") + ranges[i], test.clear_by_range[i].mean_ap());
  for (Condition condition : conditions)
    file.set("null_" + key_of(condition), test.evidence.by_condition[static_cast<size_t>(condition)].null_share());
  const History& history = summary.training.history;
  if (!history.empty()) file.set("epoch_loss", history.column("loss"));
  if (history.has("mAP")) file.set("epoch_map", history.column("mAP"));
  file.set_flag("learning_rate", summary.options.learning_rate);
  file.set_flag("train_scenes", summary.options.train_scenes);
  file.set_flag("drop_camera", summary.options.drop_camera);
  file.set_flag("drop_lidar", summary.options.drop_lidar);
  file.set_flag("other_picture", summary.options.other_picture);
  file.write(path);
}

void write_report(const std::filesystem::path& path, FusionModel& model, const FusionData& data,
                  const RunSummary& summary) {
  const TestSummary& test = summary.test;
  Report report("LiDAR and camera on a bird's-eye grid", data.name + ", fusion by " + name_of(summary.model.fusion) +
                                                             ", preset " + summary.options.run.preset + ", seed " +
                                                             std::to_string(summary.options.run.seed));
  report.key_figures({{percent(test.mixed.mean_ap()), "nuScenes mAP, mixed test"},
                      {percent(test.both), "both sensors alive"},
                      {percent(test.lidar_alone), "camera taken away"},
                      {percent(test.camera_alone), "LiDAR taken away"},
                      {number(test.evidence.seeing().gain()), "times more attention on the object than by chance"},
                      {std::to_string(summary.parameters), "parameters"}});
  report.section("What was found", "nuScenes mAP: mean over three classes and matches within 0.5, 1, 2 and 4 m.");
  report.table(scores_table(data, test));
  if (data.made) report.chart(condition_chart(test));
  report.chart(range_chart(data, test)).chart(precision_chart(test));
  if (data.made) report.chart(yaw_chart(test));
  add_evidence(report, data, test);
  report.section(data.made ? "One scene in five conditions" : "One scene",
                 "Above, the camera's picture with what the LiDAR returned; below, where the cell with the green frame "
                 "looks, and how much of its attention goes to nothing; right, the scores, returns and boxes from "
                 "above. Boxes found with a score of at least 0.3 are drawn.");
  report.figures({{frame_legend(data.grid), "colours"}}, 936);
  report.figures(frame_figures(model, data, -1), 936);
  report.section("Training");
  add_curves(report, summary.training.history);
  report.write(path);
}

std::vector<std::filesystem::path> write_frames(const std::filesystem::path& folder, FusionModel& model,
                                                const FusionData& data, int64_t index) {
  std::vector<std::filesystem::path> paths;
  for (const Figure& figure : frame_figures(model, data, index)) {
    paths.push_back(folder / (figure.caption + ".png"));
    write_png(paths.back(), figure.image);
  }
  write_png(folder / "legend.png", frame_legend(data.grid));
  return paths;
}

}  // namespace weft::examples::fusion
