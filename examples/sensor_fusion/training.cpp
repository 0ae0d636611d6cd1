#include <weft/examples/sensor_fusion/training.hpp>

#include <algorithm>

#include <weft/examples/common/default_device.hpp>
#include <weft/examples/sensor_fusion/evaluation.hpp>
#include <weft/examples/sensor_fusion/loss.hpp>

namespace weft::examples::fusion {

TrainingOptions preset_options(const RunOptions& run) {
  TrainingOptions options;
  options.run = run;
  if (run.preset == "full") return options;
  if (run.preset != "quick") throw ValueError("preset: expected quick or full, got '" + run.preset + "'");
  options.epochs = 4;
  options.train_scenes = 3200;
  options.test_scenes = 400;
  options.warmup_steps = 50;
  options.evaluate_epochs = false;
  return options;
}

FitResult run_training(FusionModel& model, const FusionData& data, const TrainingOptions& options) {
  SceneSet scenes(data.train_scenes, data.train,
                  {.grid = data.grid,
                   .drop_camera = options.drop_camera,
                   .drop_lidar = options.drop_lidar,
                   .other_picture = options.other_picture,
                   .mirror = data.mirror});
  DataLoader loader(scenes, {.batch_size = options.batch_size,
                             .shuffle = true,
                             .drop_last = data.train_scenes >= options.batch_size,
                             .seed = options.run.seed,
                             .workers = 1,
                             .prefetch = 4});
  FitOptions fit_options = options.run.fit(options.epochs);
  Schedule rate =
      warmup_cosine_decay({.init_value = 0,
                           .peak_value = options.learning_rate,
                           .warmup_steps = options.warmup_steps,
                           .decay_steps = std::max(fit_options.epochs * loader.size(), options.warmup_steps + 1),
                           .end_value = options.learning_rate / 100});
  Optimizer optimizer(
      model, chain(clip_by_global_norm(options.clip_norm),
                   adamw({.learning_rate = rate, .weight_decay = options.weight_decay, .mask = kernels_only()})));
  auto train_step = jit([&](const Batch& batch) {
    auto [loss, gradients] = value_and_grad(model, [&] { return detection_loss(model(batch.inputs), batch); });
    optimizer.update(gradients);
    return loss;
  });
  auto step = [&](const Batch& batch) { return train_step(on_default_device(batch)); };
  std::optional<EventWriter> events;
  if (!options.run.out.empty()) fit_options.events = &events.emplace(RunFolder(options.run.out).events().string());
  fit_options.learning_rate = rate;
  std::vector<Scene> probe;
  if (options.evaluate_epochs) {
    probe.assign(data.test.begin(), data.test.begin() + std::min<std::ptrdiff_t>(std::ssize(data.test), 500));
    fit_options.after_epoch = [&](int64_t) {
      return NamedValues{{"mAP", 100 * score(detect(model, probe, data.grid)).mean_ap()}};
    };
  }
  FitResult result = fit({.model = model, .optimizer = optimizer}, loader, step, fit_options);
  show_plans(options.run, train_step);
  return result;
}

}  // namespace weft::examples::fusion
