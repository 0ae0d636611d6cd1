#include <weft/examples/hierarchical_fusion/digits_training.hpp>

#include <algorithm>

#include <weft/examples/common/run_folder.hpp>

namespace weft::examples::hierarchy {

DigitTrainingOptions digit_preset(const std::string& name) {
  DigitTrainingOptions options;
  if (name == "full") return options;
  if (name != "quick") throw ValueError("preset: expected quick or full, got '" + name + "'");
  options.epochs = 40;
  options.warmup_steps = 100;
  return options;
}

DigitEvaluation evaluate(DigitModel& model, const std::vector<Digit>& digits) {
  NoGrad guard;
  eval(model);
  DigitBatch batch = collate(digits);
  std::vector<int64_t> best = argmax(model(batch.pictures.to(default_device())), -1).to_vector<int64_t>();
  train(model);
  DigitEvaluation result;
  result.confusion.assign(digit_classes * digit_classes, 0);
  for (size_t i = 0; i < digits.size(); ++i) {
    result.predictions.push_back(static_cast<int32_t>(best[i]));
    result.hits += best[i] == digits[i].label;
    ++result.total;
    ++result.confusion[static_cast<size_t>(digits[i].label * digit_classes + best[i])];
  }
  return result;
}

FitResult train_digits(DigitModel& model, const DigitSet& data, const DigitTrainingOptions& options,
                       const RunOptions& run, EventWriter* events) {
  int64_t epochs = run.fit(options.epochs).epochs;
  DigitSamples samples(data.train, options.shift);
  DataLoader loader(
      samples,
      {.batch_size = options.digits_per_batch, .shuffle = true, .drop_last = true, .seed = run.seed, .workers = 1});
  Schedule rate = warmup_cosine_decay({.init_value = 0,
                                       .peak_value = options.learning_rate,
                                       .warmup_steps = options.warmup_steps,
                                       .decay_steps = std::max(epochs * loader.size(), options.warmup_steps + 1),
                                       .end_value = options.learning_rate / 100});
  Optimizer optimizer(
      model, chain(clip_by_global_norm(options.clip_norm),
                   adamw({.learning_rate = rate, .weight_decay = options.weight_decay, .mask = kernels_only()})));
  auto train_step = jit([&](const DigitBatch& batch) {
    auto [loss, gradients] = value_and_grad(model, [&] {
      return mean(
          softmax_cross_entropy(model(batch.pictures), batch.labels, {.label_smoothing = options.label_smoothing}));
    });
    optimizer.update(gradients);
    return loss;
  });
  FitOptions fitting = run.fit(options.epochs);
  fitting.events = events;
  fitting.learning_rate = rate;
  fitting.after_epoch = [&](int64_t) { return NamedValues{{"test accuracy", evaluate(model, data.test).share()}}; };
  auto step = [&](DigitBatch& batch) {
    for_each_tensor(batch, [](Tensor& tensor) { tensor = tensor.to(default_device()); });
    return train_step(batch);
  };
  CheckpointParts parts{.model = model, .optimizer = optimizer};
  parts.metadata = {{"branches", name_of(options.model.branches)}};
  FitResult result = fit(parts, loader, step, fitting);
  show_plans(run, train_step);
  return result;
}

DigitModel load_digit_model(const std::filesystem::path& out) {
  std::string newest = RunFolder(out).newest_checkpoint("hierarchy train --task digits");
  std::map<std::string, std::string> notes = load_checkpoint(newest, {}).metadata;
  if (!notes.count("branches"))
    throw FormatError(newest + ": branches: expected a checkpoint of the digits task, got one of another");
  DigitModelOptions options;
  options.branches = branches_of(notes["branches"]);
  DigitModel model = make_digit_model(options, 0);
  load_checkpoint(newest, {.model = model});
  return model;
}

}  // namespace weft::examples::hierarchy
