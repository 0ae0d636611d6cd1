#include <weft/examples/vqa/training.hpp>

#include <weft/examples/common/default_device.hpp>

namespace weft::examples::vqa {
namespace {

/// A split, or the first pictures of it.
Split limited(const Split& split, int64_t pictures) {
  if (pictures <= 0 || pictures >= split.pictures) return split;
  Split part = split;
  part.pictures = pictures;
  if (!part.pixels.empty()) part.pixels.resize(static_cast<size_t>(pictures * split.height * split.width * 3));
  part.first_question.resize(static_cast<size_t>(pictures) + 1);
  part.picture_numbers.resize(static_cast<size_t>(pictures));
  if (!part.objects.empty()) part.objects.resize(static_cast<size_t>(pictures));
  part.questions.resize(static_cast<size_t>(part.first_question.back()));
  return part;
}

NamedValues accuracies(const DataSet& data, const AccuracyByKind& accuracy) {
  NamedValues values{{"accuracy", accuracy.all().share()}};
  for (const std::string& group : data.groups()) values.emplace_back(group, accuracy.of_group(group).share());
  return values;
}

}  // namespace

Tensor question_loss(const Tensor& logits, const Batch& batch) {
  Tensor loss = where(batch.asked, softmax_cross_entropy(logits, batch.answers), 0.0);
  return sum(loss) / cast(sum(batch.asked), DType::float32);
}

FitResult run_training(VqaModel& model, const DataSet& data, const TrainingOptions& options) {
  Split train_split = limited(data.train, options.most_pictures);
  PictureSet pictures(train_split, {.tokens = longest_question(data),
                                    .questions_per_picture = options.questions_per_picture,
                                    .questions_per_row = options.questions_per_row,
                                    .soft_answers = data.soft_answers ? static_cast<int64_t>(data.answers.size()) : 0,
                                    .mirror = options.mirror,
                                    .fresh = data.fresh});
  DataLoader loader(
      pictures, {.batch_size = options.pictures_per_batch, .shuffle = true, .seed = options.run.seed, .workers = 1});
  FitOptions fit_options = options.run.fit(options.epochs);
  Schedule rate =
      warmup_cosine_decay({.init_value = 0,
                           .peak_value = options.learning_rate,
                           .warmup_steps = options.warmup_steps,
                           .decay_steps = std::max(fit_options.epochs * loader.size(), options.warmup_steps + 1),
                           .end_value = options.learning_rate / 100});
  Optimizer optimizer(model, chain(clip_by_global_norm(options.clip_norm), adamw({.learning_rate = rate,
                                                                                  .b2 = options.beta2,
                                                                                  .weight_decay = options.weight_decay,
                                                                                  .mask = kernels_only()})));
  auto train_step = jit([&](const Batch& batch) {
    auto [loss, gradients] = value_and_grad(
        model, [&] { return question_loss(model(batch.pictures, batch.row, batch.tokens, batch.real), batch); });
    optimizer.update(gradients);
    return loss;
  });
  auto step = [&](Batch& batch) {
    if (optimizer.step() < options.easy_steps) keep_questions(batch, 0, options.easy_questions);
    else if (options.skipped_questions > 0) keep_questions(batch, options.skipped_questions, batch.tokens.size(1));
    return train_step(on_default_device(batch));
  };
  std::optional<EventWriter> events;
  if (!options.run.out.empty()) fit_options.events = &events.emplace(RunFolder(options.run.out).events().string());
  fit_options.learning_rate = rate;
  const Split curve_split = limited(data.test, options.curve_pictures);
  if (options.evaluate_epochs)
    fit_options.after_epoch = [&](int64_t) { return accuracies(data, evaluate(model, data, curve_split).accuracy); };
  FitResult result = fit({.model = model, .optimizer = optimizer}, loader, step, fit_options,
                         [](const Batch& batch) { return sum(batch.asked).item<double>(); });
  show_plans(options.run, train_step);
  return result;
}

}  // namespace weft::examples::vqa
