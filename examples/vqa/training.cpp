#include <weft/examples/vqa/training.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <sstream>

namespace weft::examples::vqa {
namespace {

/// The training split, or the first pictures of it.
Split limited(const Split& split, int64_t pictures) {
  if (pictures <= 0 || pictures >= split.pictures) return split;
  Split part = split;
  part.pictures = pictures;
  part.pixels.resize(static_cast<size_t>(pictures * split.height * split.width * 3));
  part.first_question.resize(static_cast<size_t>(pictures) + 1);
  part.picture_numbers.resize(static_cast<size_t>(pictures));
  part.questions.resize(static_cast<size_t>(part.first_question.back()));
  return part;
}

/// Hexadecimal floats, so that a resumed run has the very numbers.
std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

std::string to_text(const std::vector<EpochRow>& history) {
  std::string text;
  for (const EpochRow& row : history)
    text += std::to_string(row.epoch) + " " + exact(row.loss) + " " + exact(row.accuracy) + " " + exact(row.yes_no) +
            " " + exact(row.color) + " " + exact(row.shape) + "\n";
  return text;
}

std::vector<EpochRow> history_from(const std::string& text) {
  std::vector<EpochRow> history;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    EpochRow row;
    std::string word;
    words >> row.epoch;
    for (double* value : {&row.loss, &row.accuracy, &row.yes_no, &row.color, &row.shape}) {
      words >> word;
      *value = std::strtod(word.c_str(), nullptr);
    }
    history.push_back(row);
  }
  return history;
}

/// The running mean of an epoch's loss, which a checkpoint in mid-epoch has to hold too.
struct RunningLoss {
  double sum = 0, questions = 0;
};

}  // namespace

TrainingOptions preset_options(const std::string& name) {
  TrainingOptions options;
  options.preset = name;
  if (name == "full") return options;
  if (name != "quick") throw ValueError("preset: expected quick or full, got '" + name + "'");
  options.epochs = 3;
  options.warmup_steps = 50;
  return options;
}

ModelOptions model_options(const DataSet& data) {
  return {.vocabulary = data.vocabulary.size(),
          .answers = static_cast<int64_t>(data.answers.size()),
          .tokens = longest_question(data)};
}

Tensor question_loss(const Tensor& logits, const Batch& batch) {
  Tensor loss = where(batch.asked, softmax_cross_entropy(logits, batch.answers), 0.0);
  return sum(loss) / cast(sum(batch.asked), DType::float32);
}

TrainingResult run_training(VqaModel& model, const DataSet& data, const TrainingOptions& options) {
  auto start = std::chrono::steady_clock::now();
  Split train_split = limited(data.train, options.most_pictures);
  PictureSet pictures(train_split, {.tokens = longest_question(data), .mirror = options.mirror});
  DataLoader loader(pictures,
                    {.batch_size = options.pictures_per_batch, .shuffle = true, .seed = options.seed, .workers = 1});
  Schedule rate =
      warmup_cosine_decay({.init_value = 0,
                           .peak_value = options.learning_rate,
                           .warmup_steps = options.warmup_steps,
                           .decay_steps = std::max(options.epochs * loader.size(), options.warmup_steps + 1),
                           .end_value = options.learning_rate / 100});
  Optimizer optimizer(
      model, chain(clip_by_global_norm(options.clip_norm),
                   adamw({.learning_rate = rate, .weight_decay = options.weight_decay, .mask = kernels_only()})));
  TrainingResult result;
  RunningLoss running;
  if (options.resume) {
    std::string newest = latest_checkpoint(options.folder.string());
    if (newest.empty()) throw FileError("resume: there is no checkpoint in '" + options.folder.string() + "'");
    CheckpointInfo info = load_checkpoint(newest, {.model = model, .optimizer = optimizer});
    loader.restore(info.loader.value());
    result.history = history_from(info.metadata["history"]);
    running.sum = std::strtod(info.metadata["loss_sum"].c_str(), nullptr);
    running.questions = std::strtod(info.metadata["loss_questions"].c_str(), nullptr);
  }
  auto save = [&] {
    if (options.folder.empty()) return;
    save_checkpoint(checkpoint_path(options.folder.string(), optimizer.step()),
                    {.model = model,
                     .optimizer = optimizer,
                     .loader = loader.state(),
                     .metadata = {{"history", to_text(result.history)},
                                  {"loss_sum", exact(running.sum)},
                                  {"loss_questions", exact(running.questions)}}});
    prune_checkpoints(options.folder.string(), 2);
  };
  auto train_step = jit([&](const Batch& batch) {
    auto [loss, gradients] =
        value_and_grad(model, [&] { return question_loss(model(batch.pictures, batch.tokens, batch.real), batch); });
    optimizer.update(gradients);
    return loss;
  });
  train(model);
  InterruptGuard interrupt;
  std::ostringstream silent;
  ProgressOptions shown;
  if (!options.progress) shown.stream = &silent;
  bool stopped = false;
  while (!stopped && loader.epoch() < options.epochs) {
    int64_t epoch = loader.epoch();
    auto steps = progress(loader, "epoch " + std::to_string(epoch + 1) + "/" + std::to_string(options.epochs), shown);
    for (Batch& batch : steps) {
      Tensor loss = train_step(batch);
      require_finite(loss, optimizer.step());
      auto asked = sum(batch.asked).item<double>();
      running.sum += loss.item<double>() * asked;
      running.questions += asked;
      steps.set("loss", running.sum / running.questions);
      // Saved within the loop: a loader that was left early stands at the next epoch.
      stopped = interrupt.requested() || optimizer.step() == options.stop_at_step;
      if (stopped || (options.checkpoint_every > 0 && optimizer.step() % options.checkpoint_every == 0)) save();
      if (stopped) break;
    }
    if (stopped) break;
    EpochRow row{epoch + 1, running.sum / running.questions, NAN, NAN, NAN, NAN};
    running = {};
    if (options.evaluate_epochs) {
      AccuracyByKind accuracy = evaluate(model, data, data.test).accuracy;
      row.accuracy = accuracy.all().share();
      row.yes_no = accuracy.of(AnswerKind::yes_no).share();
      row.color = accuracy.of(AnswerKind::color).share();
      row.shape = accuracy.of(AnswerKind::shape).share();
      if (options.progress) std::fprintf(stderr, "         test accuracy %.2f %%\n", 100 * row.accuracy);
    }
    result.history.push_back(row);
    save();
  }
  if (!options.graph.empty()) train_step.write_graph(options.graph);
  if (options.describe) std::fputs(train_step.describe().c_str(), stderr);
  result.steps = optimizer.step();
  result.finished = !stopped;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace weft::examples::vqa
