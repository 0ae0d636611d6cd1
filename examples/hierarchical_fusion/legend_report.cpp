#include <weft/examples/hierarchical_fusion/legend_report.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <weft/examples/common/png.hpp>
#include <weft/examples/common/report.hpp>
#include <weft/examples/hierarchical_fusion/legend_pictures.hpp>
#include <weft/examples/hierarchical_fusion/legend_style.hpp>

namespace weft::examples::hierarchy {
namespace {

constexpr size_t shown_maps = 6;

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

/// So that the numbers over narrow bars stay apart.
double whole_percent(double share) { return std::round(100 * share) / 100; }

/// The first maps, of which pictures are shown.
std::vector<LegendMap> first_of(const std::vector<LegendMap>& maps, size_t count) {
  return {maps.begin(), maps.begin() + static_cast<int64_t>(std::min(count, maps.size()))};
}

/// For each map: image, ground truth, the others, the model, its errors.
std::vector<std::vector<Figure>> comparisons(LegendModel& model, std::vector<NamedLegendModel>& others,
                                             const std::vector<LegendMap>& maps) {
  std::vector<std::pair<std::string, std::vector<std::vector<uint8_t>>>> answers;
  for (NamedLegendModel& other : others) answers.emplace_back(other.name, predict(other.model, maps));
  answers.emplace_back(name_of(model.fusion), predict(model, maps));
  std::vector<std::vector<Figure>> rows;
  for (size_t i = 0; i < maps.size(); ++i) {
    std::vector<Figure> row{{upscale(picture_of(maps[i]), 3), "image"},
                            {upscale(class_picture(maps[i], maps[i].classes()), 3), "ground truth"}};
    for (const auto& answer : answers)
      row.push_back({upscale(class_picture(maps[i], answer.second[i]), 3), answer.first});
    row.push_back({upscale(error_picture(maps[i], answers.back().second[i]), 3), "error"});
    rows.push_back(std::move(row));
  }
  return rows;
}

/// For each map: lines to the legend, and the heat of a point feature and of a region.
std::vector<std::vector<Figure>> looks(LegendModel& model, const std::vector<LegendMap>& maps) {
  std::vector<float> weights = attention_of(model, maps).to_vector<float>();
  constexpr size_t per_map = 1024 * 64;
  std::vector<std::vector<Figure>> rows;
  for (size_t i = 0; i < maps.size(); ++i) {
    std::span<const float> own(weights.data() + i * per_map, per_map);
    std::vector<Look> places = looks_of(maps[i], own);
    auto right = std::count_if(places.begin(), places.end(), [](const Look& look) { return look.right; });
    std::vector<Figure> row{
        {looks_picture(maps[i], places, 5), fmt::format("{} of {} find their entry", right, places.size())}};
    for (size_t place : {size_t{0}, maps[i].points.size()})
      if (place < places.size())
        row.push_back({heat_picture(maps[i], places[place], own, 5),
                       place < maps[i].points.size() ? "where a point looks" : "where a region looks"});
    rows.push_back(std::move(row));
  }
  return rows;
}

/// For each map: its prediction, and the same with the glyphs of another legend.
std::vector<std::vector<Figure>> counter_factuals(LegendModel& model, const std::vector<LegendMap>& maps) {
  std::vector<LegendMap> changed = changed_maps(maps, LegendChange::other_glyphs);
  std::vector<std::vector<uint8_t>> before = predict(model, maps), after = predict(model, changed);
  std::vector<std::vector<Figure>> rows;
  for (size_t i = 0; i < maps.size(); ++i)
    rows.push_back({{upscale(picture_of(maps[i]), 3), "image"},
                    {upscale(class_picture(maps[i], before[i]), 3), "prediction"},
                    {upscale(picture_of(changed[i]), 3), "other glyphs"},
                    {upscale(class_picture(changed[i], after[i]), 3), "prediction"},
                    {upscale(class_picture(changed[i], changed[i].classes()), 3), "new truth"},
                    {upscale(error_picture(changed[i], after[i]), 3), "error"}});
  return rows;
}

Image sheet_of(const std::vector<Figure>& row) {
  std::vector<Panel> panels;
  for (const Figure& figure : row) panels.push_back({figure.image, figure.caption});
  return contact_sheet(panels, static_cast<int64_t>(panels.size()));
}

void add_rows(Report& report, const std::vector<std::vector<Figure>>& rows, int width) {
  for (const std::vector<Figure>& row : rows) report.figures(row, width);
}

void add_curves(Report& report, const History& history) {
  if (history.empty()) return;
  LineChart loss{.title = "Loss", .x_label = "epoch", .y_label = "loss"};
  loss.series = {{"training", history.column("epoch"), history.column("loss")}};
  report.chart(loss);
  if (!history.has("test mIoU")) return;
  LineChart scores{
      .title = "Test maps", .x_label = "epoch", .y_label = "share", .y_style = NumberStyle::percent, .y_max = 1};
  scores.series = {{"mIoU", history.column("epoch"), history.column("test mIoU")},
                   {"point recall", history.column("epoch"), history.column("test point recall")}};
  report.chart(scores);
}

BarChart scale_chart(const std::vector<std::pair<std::string, const MapScores*>>& scores) {
  BarChart chart{.title = "Mean IoU by the size of what a pixel belongs to",
                 .y_label = "mean IoU",
                 .y_style = NumberStyle::percent,
                 .y_max = 1};
  for (size_t i = 0; i < scales; ++i) chart.groups.emplace_back(name_of(static_cast<Scale>(i)));
  for (const auto& [name, score] : scores) {
    chart.bars.push_back({name, {}});
    for (const PixelConfusion& scale : score->by_scale)
      chart.bars.back().values.push_back(whole_percent(scale.mean_iou(false)));
  }
  return chart;
}

BarChart class_chart(const std::vector<std::pair<std::string, const MapScores*>>& scores) {
  BarChart chart{.title = "IoU by class", .y_label = "IoU", .y_style = NumberStyle::percent, .y_max = 1};
  for (int32_t label = 0; label < map_classes; ++label) chart.groups.emplace_back(class_name(label));
  for (const auto& [name, score] : scores) {
    chart.bars.push_back({name, {}});
    for (int32_t label = 0; label < map_classes; ++label)
      chart.bars.back().values.push_back(whole_percent(score->all.iou(label)));
  }
  return chart;
}

Table change_table(const LegendResults& results) {
  Table table{.header = {"what the model sees", "mean IoU", "point recall"}, .rows = {}, .caption = ""};
  auto add = [&](const char* name, const LegendEvaluation& evaluation) {
    table.rows.push_back({name, percent(evaluation.scores.all.mean_iou()), percent(evaluation.scores.point_recall())});
  };
  add("the map and its legend", results.test);
  add("an empty legend", results.erased);
  add("the legend without the entry that most of the map shows", results.one_erased);
  add("glyphs of another legend (right is what they say)", results.other_glyphs);
  add("high-level tokens of another map", results.other_tokens);
  if (results.uniform) add("all tokens alike (uniform attention)", *results.uniform);
  return table;
}

}  // namespace

void write_legend_report(const std::filesystem::path& path, LegendModel& model, std::vector<NamedLegendModel>& others,
                         const std::vector<LegendMap>& maps, const LegendSummary& summary) {
  const LegendResults& results = summary.results;
  const MapScores& scores = results.test.scores;
  bool attends = model.fusion == Fusion::attention;
  Report report("Legend maps", fmt::format("fusion {}, preset {}, seed {}, {} test maps", name_of(model.fusion),
                                           summary.run.preset, summary.run.seed, maps.size()));
  std::vector<std::pair<std::string, std::string>> figures{{percent(scores.all.mean_iou()), "mean IoU"},
                                                           {percent(scores.point_recall()), "point features found"}};
  if (attends) figures.emplace_back(percent(results.test.pointing.share()), "pixels look at their entry");
  figures.emplace_back(percent(results.other_glyphs.counter_factual.new_share()), "follow a changed legend");
  if (summary.minutes > 0) figures.emplace_back(fmt::format("{:.1f}", summary.minutes), "minutes");
  figures.emplace_back(std::to_string(summary.parameters), "parameters");
  report.key_figures(figures);

  std::vector<std::pair<std::string, const MapScores*>> all;
  std::vector<MapScores> other_scores;
  other_scores.reserve(others.size());
  for (NamedLegendModel& other : others) {
    other_scores.push_back(evaluate(other.model, maps).scores);
    all.emplace_back(other.name, &other_scores.back());
  }
  all.emplace_back(name_of(model.fusion), &scores);
  Interval interval = scores.mean_iou_interval();
  report.section("Scores", fmt::format("Mean IoU over six classes and the background, counted over all pixels of all "
                                       "test maps at 64 x 64; 95 % interval over maps {} to {}.",
                                       percent(interval.low), percent(interval.high)));
  report.chart(scale_chart(all)).chart(class_chart(all));
  if (!summary.training.history.empty()) report.section("Training");
  add_curves(report, summary.training.history);
  std::vector<LegendMap> shown = first_of(maps, shown_maps);
  report.section("Maps",
                 "A class is a glyph; in the legend it stands beside the swatch whose color and hatch it explains. "
                 "On labelled maps the strip shows each glyph on its class's color.");
  report.figures({{class_key(), ""}}, 770);
  add_rows(report, comparisons(model, others, shown), others.size() > 1 ? 118 : 144);
  if (attends) {
    report.section(
        "Where pixels look",
        "Lines go from a place of the map to the middle of the high-level cell that it attends to most (last "
        "layer, mean of the heads): green where that cell belongs to the entry that the place shows, red where "
        "not. Heat: the attention of the place in the green frame; its entry is framed in white.");
    add_rows(report, looks(model, first_of(maps, 4)), 246);
  }
  report.section(
      "Changed legends",
      fmt::format("Where the two legends disagree, {} of the pixels are labelled as the new one says and {} as the "
                  "old one said. The map itself is the same, bit by bit.",
                  percent(results.other_glyphs.counter_factual.new_share()),
                  percent(results.other_glyphs.counter_factual.old_share())));
  report.table(change_table(results));
  const EntryScores &with = results.test.entry, &without = results.one_erased.entry;
  report.paragraph(
      fmt::format("Without the entry that most of the map shows, {} of its pixels are right instead of {}; "
                  "of the pixels of other entries {} instead of {}.",
                  percent(without.own_share()), percent(with.own_share()), percent(without.other_share()),
                  percent(with.other_share())));
  add_rows(report, counter_factuals(model, first_of(maps, 3)), 118);
  report.write(path);
}

std::vector<Image> comparison_sheets(LegendModel& model, std::vector<NamedLegendModel>& others,
                                     const std::vector<LegendMap>& maps) {
  std::vector<Image> sheets;
  for (const std::vector<Figure>& row : comparisons(model, others, maps)) sheets.push_back(sheet_of(row));
  return sheets;
}

void write_legend_pictures(const std::filesystem::path& folder, LegendModel& model,
                           std::vector<NamedLegendModel>& others, const std::vector<LegendMap>& maps) {
  auto write = [&](const std::string& name, const std::vector<std::vector<Figure>>& rows) {
    for (size_t i = 0; i < rows.size(); ++i) write_png(folder / fmt::format("{}-{}.png", name, i), sheet_of(rows[i]));
  };
  write_png(folder / "key.png", class_key());
  write("compare", comparisons(model, others, maps));
  if (model.fusion == Fusion::attention) write("looks", looks(model, maps));
  write("counter-factual", counter_factuals(model, maps));
}

}  // namespace weft::examples::hierarchy
