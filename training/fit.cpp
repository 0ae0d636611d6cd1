#include <weft/training/fit.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

#include <fmt/format.h>

#include <weft/layers/modes.hpp>
#include <weft/training/interrupt.hpp>

namespace weft::detail {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The means of an epoch so far, which a checkpoint in mid-epoch has to hold too.
struct RunningMeans {
  std::vector<double> sums;
  double weight = 0;

  void add(const std::vector<double>& values, double counts) {
    sums.resize(values.size(), 0);
    for (size_t i = 0; i < values.size(); ++i) sums[i] += values[i] * counts;
    weight += counts;
  }
  double mean(size_t i) const { return i < sums.size() ? sums[i] / weight : std::nan(""); }

  std::string to_text() const {
    std::string text = exact_text(weight);
    for (double sum : sums) text += ' ' + exact_text(sum);
    return text;
  }
  static RunningMeans from_text(const std::string& text) {
    RunningMeans means;
    for (size_t first = 0; first <= text.size();) {
      size_t space = std::min(text.find(' ', first), text.size());
      means.sums.push_back(exact_number(text.substr(first, space - first)));
      first = space + 1;
    }
    means.weight = means.sums.front();
    means.sums.erase(means.sums.begin());
    return means;
  }
};

const char* const history_key = "fit.history";
const char* const means_key = "fit.means";

void check(const FitOptions& options) {
  auto expect = [](bool good, const char* name, const char* expected, int64_t got) {
    if (!good) throw ValueError(fmt::format("fit: {}: expected {}, got {}", name, expected, got));
  };
  expect(options.epochs >= 0, "epochs", "at least 0", options.epochs);
  expect(options.checkpoint_every >= 0, "checkpoint_every", "at least 0", options.checkpoint_every);
  expect(options.keep >= 1, "keep", "at least 1", options.keep);
  expect(options.event_every >= 1, "event_every", "at least 1", options.event_every);
  expect(!options.values.empty(), "values", "at least one name", 0);
  if (options.resume && options.folder.empty()) throw ValueError("fit: resume: expected a folder of checkpoints");
}

}  // namespace

struct FitRun::Impl {
  CheckpointParts parts;
  FitOptions options;
  int64_t steps_per_epoch;
  std::optional<DataLoaderState> resumed_at = std::nullopt;
  FitResult result = {};
  RunningMeans means = {};
  InterruptGuard interrupt = {};
  std::optional<ProgressBar> bar = std::nullopt;
  bool stopped = false;
  Clock::time_point start = Clock::now(), loop_start = start;
  int64_t steps_here = 0, epoch_steps_here = 0;
  double loop_seconds = 0, epoch_seconds = 0;

  void load() {
    std::string newest = latest_checkpoint(options.folder);
    if (newest.empty()) throw FileError("resume: there is no checkpoint in '" + options.folder + "'");
    CheckpointInfo info = load_checkpoint(newest, parts);
    if (!info.loader || !info.metadata.count(history_key) || !info.metadata.count(means_key))
      throw FormatError("resume: '" + newest + "' was not written by fit");
    resumed_at = info.loader;
    result.history = History::from_text(info.metadata[history_key]);
    means = RunningMeans::from_text(info.metadata[means_key]);
    result.steps = info.loader->epoch * steps_per_epoch + info.loader->batch;
    if (options.events) options.events->start_session(result.steps + 1);
  }

  void save(const DataLoaderState& place) {
    if (options.folder.empty()) return;
    parts.loader = place;
    parts.metadata[history_key] = result.history.to_text();
    parts.metadata[means_key] = means.to_text();
    save_checkpoint(checkpoint_path(options.folder, result.steps), parts);
    prune_checkpoints(options.folder, options.keep);
  }

  bool has_to_stop() const {
    return interrupt.requested() || (options.stop_at_step >= 0 && result.steps >= options.stop_at_step);
  }

  void write_step(const std::vector<double>& values) {
    if (!options.events || result.steps % options.event_every != 0) return;
    for (size_t i = 0; i < values.size(); ++i)
      options.events->scalar("step/" + options.values[i], values[i], result.steps);
    if (options.learning_rate)
      options.events->scalar("learning_rate", options.learning_rate->at(result.steps - 1), result.steps);
  }

  void end_loop() {
    bar.reset();
    epoch_seconds = seconds_since(loop_start);
    loop_seconds += epoch_seconds;
    steps_here += epoch_steps_here;
  }

  void show(const NamedValues& measured) {
    if (!options.progress || measured.empty()) return;
    std::string line = "        ";
    for (const auto& [name, value] : measured) line += fmt::format(" {} {:.4g} ", name, value);
    (options.progress_style.stream ? *options.progress_style.stream : std::cerr) << line << std::endl;
  }
};

FitRun::FitRun(const CheckpointParts& parts, const FitOptions& options, int64_t steps_per_epoch) {
  check(options);
  impl_.reset(new Impl{parts, options, steps_per_epoch});
  if (impl_->options.resume) impl_->load();
}
FitRun::~FitRun() = default;

const std::optional<DataLoaderState>& FitRun::resumed_at() const { return impl_->resumed_at; }
bool FitRun::stopped() const { return impl_->stopped; }

bool FitRun::begin_epoch(int64_t epoch, int64_t batch) {
  Impl& run = *impl_;
  if (run.stopped || epoch >= run.options.epochs) return false;
  run.result.steps = epoch * run.steps_per_epoch + batch;
  // A run that was stopped after an epoch's last batch still has that epoch's end before it.
  if (run.has_to_stop() && batch < run.steps_per_epoch) {
    run.stopped = true;
    return false;
  }
  if (run.parts.model) train(run.parts.model.ref());
  run.loop_start = Clock::now();
  run.epoch_steps_here = 0;
  if (run.options.progress)
    run.bar.emplace(fmt::format("epoch {}/{}", epoch + 1, run.options.epochs), run.steps_per_epoch,
                    run.options.progress_style, batch);
  return true;
}

bool FitRun::after_step(const DataLoaderState& place, const std::vector<double>& values, double weight) {
  Impl& run = *impl_;
  if (values.size() != run.options.values.size())
    throw ValueError(fmt::format("fit: a step returned {} values; expected one for each of the names {}", values.size(),
                                 fmt::join(run.options.values, ", ")));
  run.result.steps = place.epoch * run.steps_per_epoch + place.batch;
  if (!std::isfinite(values[0]))
    throw NonFiniteError(fmt::format("{} at step {} is {}; run the step under NanMode to find the op",
                                     run.options.values[0], run.result.steps, values[0]));
  ++run.epoch_steps_here;
  run.means.add(values, weight);
  run.write_step(values);
  if (run.bar) {
    run.bar->advance();
    for (size_t i = 0; i < values.size(); ++i) run.bar->set(run.options.values[i], run.means.mean(i));
  }
  run.stopped = run.has_to_stop();
  int64_t every = run.options.checkpoint_every;
  if (run.stopped || (every > 0 && run.result.steps % every == 0)) run.save(place);
  if (run.stopped) run.end_loop();
  return !run.stopped;
}

void FitRun::end_epoch(const DataLoaderState& place) {
  Impl& run = *impl_;
  run.end_loop();
  int64_t epoch = place.epoch;  // the loader stands at the next one, and people count from 1
  NamedValues row{{"epoch", static_cast<double>(epoch)}};
  for (size_t i = 0; i < run.options.values.size(); ++i) row.emplace_back(run.options.values[i], run.means.mean(i));
  run.means = {};
  if (run.options.after_epoch) {
    NamedValues measured = run.options.after_epoch(epoch);
    run.show(measured);
    row.insert(row.end(), measured.begin(), measured.end());
  }
  run.result.history.add(row);
  if (EventWriter* events = run.options.events) {
    for (size_t i = 1; i < row.size(); ++i) events->scalar("epoch/" + row[i].first, row[i].second, run.result.steps);
    if (run.epoch_steps_here > 0)
      events->scalar("steps_per_second", static_cast<double>(run.epoch_steps_here) / run.epoch_seconds,
                     run.result.steps);
    events->flush();
  }
  run.save(place);
}

FitResult FitRun::result() {
  Impl& run = *impl_;
  run.result.finished = !run.stopped;
  run.result.seconds = seconds_since(run.start);
  if (run.loop_seconds > 0) run.result.steps_per_second = static_cast<double>(run.steps_here) / run.loop_seconds;
  return std::move(run.result);
}

double samples_of_batch(const DataLoaderState& place) {
  return static_cast<double>(std::min(place.batch_size, place.samples - (place.batch - 1) * place.batch_size));
}

}  // namespace weft::detail
