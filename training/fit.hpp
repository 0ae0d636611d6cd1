#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/autograd/jit.hpp>
#include <weft/training/checkpoint.hpp>
#include <weft/training/data_loader.hpp>
#include <weft/training/event_writer.hpp>
#include <weft/training/history.hpp>
#include <weft/training/progress.hpp>
#include <weft/training/schedules.hpp>

namespace weft {

struct FitOptions {
  int64_t epochs = 1;  ///< in all, those of a resumed run's earlier parts included

  /// What the numbers are called that a step returns, in their order.
  std::vector<std::string> values = {"loss"};
  /// Called after each epoch, counted from 1; what it returns joins the epoch's row of the history. It may put the
  /// model in evaluation mode, which fit ends.
  std::function<NamedValues(int64_t epoch)> after_epoch = nullptr;

  std::string folder = "";       ///< of checkpoints; none are written when empty
  bool resume = false;           ///< go on from the newest checkpoint of `folder`
  int64_t checkpoint_every = 0;  ///< steps between checkpoints beside those after each epoch; 0: none
  int64_t keep = 2;              ///< how many of the newest checkpoints stay
  int64_t stop_at_step = -1;     ///< save and stop there, as Ctrl-C would

  bool progress = true;  ///< a bar for each epoch, then what after_epoch returned
  ProgressOptions progress_style = ProgressOptions();

  EventWriter* events = nullptr;  ///< for TensorBoard: each step's values, each epoch's means, rates
  int64_t event_every = 20;       ///< steps between two points of a curve
  std::optional<Schedule> learning_rate = std::nullopt;  ///< to be written to `events`; fit changes no rate
};

struct FitResult {
  History history;              ///< columns `epoch`, those of `values`, those of `after_epoch`
  int64_t steps = 0;            ///< in all, those before a resume included
  double seconds = 0;           ///< of this call
  double steps_per_second = 0;  ///< of this call, evaluations and checkpoints left out
  bool finished = false;        ///< false after Ctrl-C or stop_at_step
};

/// How much a batch counts in an epoch's means: its samples.
struct SamplesOfBatch {};

namespace detail {

/// What fit does around a step, for loaders and steps of any type.
class FitRun {
 public:
  /// Loads the newest checkpoint when that is wanted.
  FitRun(const CheckpointParts& parts, const FitOptions& options, int64_t steps_per_epoch);
  ~FitRun();
  FitRun(const FitRun&) = delete;
  FitRun& operator=(const FitRun&) = delete;

  /// Where the loader has to go on.
  const std::optional<DataLoaderState>& resumed_at() const;
  /// False when there is nothing left to do.
  bool begin_epoch(int64_t epoch, int64_t batch);
  /// `place` is the loader's, after the batch. False when the loop has to end now.
  bool after_step(const DataLoaderState& place, const std::vector<double>& values, double weight);
  /// `place` is the loader's, after the loop.
  void end_epoch(const DataLoaderState& place);
  bool stopped() const;
  FitResult result();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The numbers in what a step returned: arithmetic values, or scalar tensors in anything that jit can return.
template <class T> void read_values(T returned, std::vector<double>& values) {
  values.clear();
  if constexpr (std::is_arithmetic_v<T>) {
    values.push_back(static_cast<double>(returned));
  } else {
    for_each_tensor(returned, [&](const Tensor& value) { values.push_back(value.item<double>()); });
  }
}

/// In the last batch of an epoch there may be fewer.
double samples_of_batch(const DataLoaderState& place);

}  // namespace detail

/// Trains: `step(batch)` for every batch of every epoch, with checkpoints, exact resume, Ctrl-C, progress and
/// TensorBoard curves.
///
///   auto train_step = jit([&](const Batch& batch) {
///     auto [loss, grads] = value_and_grad(model, [&] { return loss_of(model, batch); });
///     optimizer.update(grads);
///     return loss;
///   });
///   FitResult run = fit({.model = model, .optimizer = optimizer}, loader, train_step,
///                       {.epochs = 10,
///                        .after_epoch = [&](int64_t) { return NamedValues{{"accuracy", accuracy_of(model)}}; },
///                        .folder = "runs/a/checkpoints"});
///
/// `parts` is all that the run's next step depends on; what is not in a checkpoint is not resumed. The loader's place,
/// the history and the running means are added. A run that was stopped at any step and resumed ends with the same bits
/// as one that was not.
///
/// A step returns one number or several, as a scalar tensor or a number, or as a pair, tuple, array or vector of scalar
/// tensors. The first one has to be finite. An epoch's means weigh each batch by `weight(batch)`, a number; as it is,
/// by its samples.
///
/// The model is in training mode for every step. Ctrl-C and stop_at_step save, if there is a folder, and return. What
/// `step` throws comes out as it is, and the last checkpoint stays.
///
/// Throws NonFiniteError naming the step; FileError when there is nothing to resume from; ValueError when options do
/// not fit, or a step returns another number of values than options.values names.
template <class Loader, class Step, class Weight = SamplesOfBatch>
FitResult fit(const CheckpointParts& parts, Loader& loader, Step&& step, const FitOptions& options = {},
              const Weight& weight = {}) {
  detail::FitRun run(parts, options, loader.size());
  if (run.resumed_at()) loader.restore(*run.resumed_at());
  std::vector<double> values;
  while (run.begin_epoch(loader.epoch(), loader.batch())) {
    for (auto& batch : loader) {
      detail::read_values(step(batch), values);
      double counts;
      if constexpr (std::is_same_v<Weight, SamplesOfBatch>) counts = detail::samples_of_batch(loader.state());
      else counts = static_cast<double>(weight(batch));
      // Saved within the loop: a loader that was left early stands at the next epoch.
      if (!run.after_step(loader.state(), values, counts)) break;
    }
    if (!run.stopped()) run.end_epoch(loader.state());
  }
  return run.result();
}

}  // namespace weft
