#include <weft/examples/hierarchical_fusion/legend_results.hpp>

#include <fmt/format.h>

#include <weft/examples/common/run_folder.hpp>

namespace weft::examples::hierarchy {

LegendResults evaluate_all(LegendModel& model, const std::vector<LegendMap>& maps) {
  LegendResults results;
  bool attends = model.fusion == Fusion::attention;
  results.test = evaluate(model, maps, {.pointing = attends});
  results.erased = evaluate(model, maps, {.change = LegendChange::erased});
  results.one_erased = evaluate(model, maps, {.change = LegendChange::one_erased});
  results.other_glyphs = evaluate(model, maps, {.change = LegendChange::other_glyphs});
  results.other_tokens = evaluate(model, maps, {.change = LegendChange::other_tokens});
  if (attends) {
    LegendModel uniform = clone(model);
    make_attention_uniform(uniform);
    results.uniform = evaluate(uniform, maps);
  }
  return results;
}

void write_legend_metrics(const std::filesystem::path& path, const LegendSummary& summary) {
  const LegendResults& results = summary.results;
  const MapScores& scores = results.test.scores;
  MetricsFile file;
  file.set("task", "legend");
  set_run_metrics(file, summary.run, summary.training, summary.parameters);
  file.set("test_maps", static_cast<int64_t>(scores.pictures.size()));
  file.set("mean_iou", scores.all.mean_iou());
  Interval interval = scores.mean_iou_interval();
  file.set("mean_iou_interval", std::vector<double>{interval.low, interval.high});
  file.set("mean_iou_without_background", scores.all.mean_iou(false));
  file.set("pixel_accuracy", scores.all.accuracy());
  file.set_share("point_recall", scores.points_found, scores.points);
  if (results.test.pointing.total > 0) {
    file.set("pointing", results.test.pointing.share());
    file.set("looks_at_legend",
             static_cast<double>(results.test.pointing.in_legend) / static_cast<double>(results.test.pointing.total));
  }
  std::vector<double> by_class, by_scale;
  for (int32_t label = 0; label < map_classes; ++label) by_class.push_back(scores.all.iou(label));
  for (const PixelConfusion& scale : scores.by_scale) by_scale.push_back(scale.mean_iou(false));
  file.set("iou_by_class", by_class);
  file.set("iou_by_scale", by_scale);
  file.set("legend_erased_mean_iou", results.erased.scores.all.mean_iou());
  file.set("entry_accuracy", results.test.entry.own_share());
  file.set("entry_accuracy_others", results.test.entry.other_share());
  file.set("entry_erased_accuracy", results.one_erased.entry.own_share());
  file.set("entry_erased_accuracy_others", results.one_erased.entry.other_share());
  file.set("other_glyphs_mean_iou", results.other_glyphs.scores.all.mean_iou());
  file.set("follows_new_legend", results.other_glyphs.counter_factual.new_share());
  file.set("follows_old_legend", results.other_glyphs.counter_factual.old_share());
  file.set("other_tokens_mean_iou", results.other_tokens.scores.all.mean_iou());
  if (results.uniform) file.set("uniform_attention_mean_iou", results.uniform->scores.all.mean_iou());
  const History& history = summary.training.history;
  for (const char* column : {"loss", "test mIoU"})
    if (history.has(column)) file.set(std::string("epoch ") + column, history.column(column));
  file.set("minutes", summary.minutes);
  const LegendTrainingOptions& options = summary.options;
  file.set_flag("fusion", name_of(options.model.fusion));
  file.set_flag("cross_layers", options.model.cross_layers);
  file.set_flag("maps_per_epoch", options.maps_per_epoch);
  file.set_flag("maps_per_batch", options.maps_per_batch);
  file.set_flag("learning_rate", options.learning_rate);
  file.set_flag("entries", std::vector<double>{static_cast<double>(options.maps.fewest_entries),
                                               static_cast<double>(options.maps.most_entries)});
  file.write(path);
}

std::string legend_text(const LegendResults& results) {
  const MapScores& scores = results.test.scores;
  Interval interval = scores.mean_iou_interval();
  std::string text = fmt::format("mean IoU          {:.2f} %  [{:.2f}, {:.2f}], {} maps\n", 100 * scores.all.mean_iou(),
                                 100 * interval.low, 100 * interval.high, scores.pictures.size());
  text += fmt::format("pixels            {:.2f} %\n", 100 * scores.all.accuracy());
  text += fmt::format("point features    {:.2f} %  ({} of {})\n", 100 * scores.point_recall(), scores.points_found,
                      scores.points);
  if (results.test.pointing.total > 0)
    text += fmt::format("pointing          {:.2f} %  of pixels look at their entry of the legend\n",
                        100 * results.test.pointing.share());
  text += fmt::format("legend erased     {:.2f} %  mean IoU\n", 100 * results.erased.scores.all.mean_iou());
  const EntryScores &with = results.test.entry, &without = results.one_erased.entry;
  text += fmt::format(
      "one entry erased  its pixels {:.2f} % right (with it {:.2f} %), the others {:.2f} % ({:.2f} %)\n",
      100 * without.own_share(), 100 * with.own_share(), 100 * without.other_share(), 100 * with.other_share());
  text += fmt::format(
      "other glyphs      {:.2f} %  mean IoU; {:.2f} % of the pixels follow the new legend, {:.2f} % the old\n",
      100 * results.other_glyphs.scores.all.mean_iou(), 100 * results.other_glyphs.counter_factual.new_share(),
      100 * results.other_glyphs.counter_factual.old_share());
  text += fmt::format("another's tokens  {:.2f} %  mean IoU\n", 100 * results.other_tokens.scores.all.mean_iou());
  if (results.uniform)
    text += fmt::format("uniform attention {:.2f} %  mean IoU\n", 100 * results.uniform->scores.all.mean_iou());
  return text;
}

}  // namespace weft::examples::hierarchy
