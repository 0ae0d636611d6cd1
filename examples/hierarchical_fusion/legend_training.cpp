#include <weft/examples/hierarchical_fusion/legend_training.hpp>

#include <algorithm>

#include <weft/examples/common/run_folder.hpp>

namespace weft::examples::hierarchy {

LegendTrainingOptions legend_preset(const std::string& name) {
  LegendTrainingOptions options;
  if (name == "full") return options;
  if (name != "quick") throw ValueError("preset: expected quick or full, got '" + name + "'");
  options.epochs = 5;
  options.maps_per_epoch = 4000;
  options.warmup_steps = 100;
  options.test_maps = 200;
  options.epoch_maps = 100;
  return options;
}

Tensor legend_loss(const MapLogits& logits, const LegendBatch& batch, const LegendTrainingOptions& options) {
  Tensor loss = mean(softmax_cross_entropy(logits.pixels, batch.labels));
  if (options.dice_weight > 0)
    loss = loss + options.dice_weight * soft_dice_loss(softmax(logits.pixels, -1), one_hot(batch.labels, map_classes),
                                                       {.mask = expand_dims(batch.near, -1)});
  if (options.cell_weight > 0 && logits.cells.defined())
    loss = loss + options.cell_weight * mean(softmax_cross_entropy(logits.cells, batch.glyphs));
  return loss;
}

FitResult train_legend(LegendModel& model, const LegendTrainingOptions& options, const RunOptions& run,
                       EventWriter* events) {
  int64_t epochs = run.fit(options.epochs).epochs;
  FreshMaps maps(options.maps_per_epoch, options.maps);
  DataLoader loader(maps, {.batch_size = options.maps_per_batch, .drop_last = true, .seed = run.seed, .workers = 1});
  Schedule rate = warmup_cosine_decay({.init_value = 0,
                                       .peak_value = options.learning_rate,
                                       .warmup_steps = options.warmup_steps,
                                       .decay_steps = std::max(epochs * loader.size(), options.warmup_steps + 1),
                                       .end_value = options.learning_rate / 100});
  Optimizer optimizer(
      model,
      chain(clip_by_global_norm(options.clip_norm),
            adamw({.learning_rate = rate, .b2 = 0.99, .weight_decay = options.weight_decay, .mask = kernels_only()})));
  auto train_step = jit([&](const LegendBatch& batch) {
    auto [loss, gradients] = value_and_grad(model, [&] { return legend_loss(model(batch.pictures), batch, options); });
    optimizer.update(gradients);
    return loss;
  });
  std::vector<LegendMap> test = make_maps(legend_test_seed, options.epoch_maps, options.maps);
  FitOptions fitting = run.fit(options.epochs);
  fitting.events = events;
  fitting.learning_rate = rate;
  if (!test.empty())
    fitting.after_epoch = [&](int64_t) {
      MapScores scores = evaluate(model, test).scores;
      return NamedValues{{"test mIoU", scores.all.mean_iou()}, {"test point recall", scores.point_recall()}};
    };
  auto step = [&](LegendBatch& batch) {
    for_each_tensor(batch, [](Tensor& tensor) { tensor = tensor.to(default_device()); });
    return train_step(batch);
  };
  CheckpointParts parts{.model = model, .optimizer = optimizer};
  parts.metadata = {{"fusion", name_of(options.model.fusion)},
                    {"layers", std::to_string(options.model.cross_layers)},
                    {"heads", std::to_string(options.model.heads)}};
  FitResult result = fit(parts, loader, step, fitting);
  show_plans(run, train_step);
  return result;
}

LegendModel load_legend_model(const std::filesystem::path& out) {
  std::string newest = RunFolder(out).newest_checkpoint("hierarchy train --task legend");
  std::map<std::string, std::string> notes = load_checkpoint(newest, {}).metadata;
  if (!notes.count("fusion"))
    throw FormatError(newest + ": fusion: expected a checkpoint of the legend task, got one of another");
  LegendModelOptions options;
  options.fusion = fusion_of(notes["fusion"]);
  options.cross_layers = std::stoll(notes["layers"]);
  options.heads = std::stoll(notes["heads"]);
  LegendModel model = make_legend_model(options, 0);
  load_checkpoint(newest, {.model = model});
  return model;
}

}  // namespace weft::examples::hierarchy
