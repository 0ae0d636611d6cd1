#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft {

struct ProgressOptions {
  std::ostream* stream = nullptr;               // null: std::cerr
  std::optional<bool> terminal = std::nullopt;  // whether one line is drawn over and over; unset: ask the stream
  int width = 0;                                // columns; 0: the terminal's, 80 when it does not tell
  double refresh_seconds = 0.1;                 // on a terminal, at least this long between two drawings
  double line_seconds = 10;                     // elsewhere, at least this long between two lines
  std::function<double()> clock = nullptr;      // seconds; empty: the steady clock
};

/// Shows how far a loop is, with rate, time left, and named values:
/// `epoch 1  62% [=======>    ]  78/125  3.1/s  0:15 left  loss 0.4123`. Where the output is no terminal it writes
/// plain lines, few of them, and one at the end.
class ProgressBar {
 public:
  /// `total` below 0: not known. `done` steps are already made and do not count for the rate.
  explicit ProgressBar(std::string label, int64_t total = -1, ProgressOptions options = {}, int64_t done = 0);
  /// Finishes.
  ~ProgressBar();
  ProgressBar(ProgressBar&&) noexcept;
  ProgressBar& operator=(ProgressBar&&) = delete;

  void advance(int64_t steps = 1);
  /// Shows `value` under `name`, after the values named earlier.
  void set(std::string_view name, double value);
  /// Writes the last state and ends the line; later calls do nothing.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A range that shows its progress while it is looped over.
template <class Range> class ProgressRange {
 public:
  ProgressRange(Range&& range, std::string label, ProgressOptions options)
      : range_(std::forward<Range>(range)), label_(std::move(label)), options_(std::move(options)) {}

  /// Shows a value beside the bar of the loop that runs; outside a loop it is ignored.
  void set(std::string_view name, double value) {
    if (bar_) bar_->set(name, value);
  }

  /// Stays where it is made; its end is the loop's, also when the loop is left early.
  template <class Inner> class Iterator {
   public:
    Iterator(Inner inner, ProgressBar* bar) : inner_(std::move(inner)), bar_(bar) {}
    ~Iterator() { bar_->finish(); }
    Iterator(const Iterator&) = delete;
    Iterator& operator=(const Iterator&) = delete;
    decltype(auto) operator*() const { return *inner_; }
    Iterator& operator++() {
      bar_->advance();
      ++inner_;
      return *this;
    }
    template <class End> bool operator==(const End& end) const { return inner_ == end; }

   private:
    Inner inner_;
    ProgressBar* bar_;
  };

  auto begin() {
    int64_t total = -1, left = -1;
    if constexpr (requires { std::size(range_); }) total = left = static_cast<int64_t>(std::size(range_));
    // A loader that goes on within an epoch has fewer batches left than it has in all.
    if constexpr (requires { range_.remaining(); }) left = range_.remaining();
    bar_.reset();
    bar_.emplace(label_, total, options_, total - left);
    return Iterator<decltype(std::begin(range_))>(std::begin(range_), &*bar_);
  }
  auto end() { return std::end(range_); }

  ~ProgressRange() = default;
  ProgressRange(const ProgressRange&) = delete;
  ProgressRange& operator=(const ProgressRange&) = delete;

 private:
  Range range_;  // a reference, or a range of its own when it was given a temporary
  std::string label_;
  ProgressOptions options_;
  std::optional<ProgressBar> bar_;
};

/// `for (auto& batch : progress(loader, "epoch 1"))`; with values:
/// `auto steps = progress(loader, "epoch 1"); for (auto& batch : steps) steps.set("loss", train_step(batch));`
template <class Range> ProgressRange<Range> progress(Range&& range, std::string label, ProgressOptions options = {}) {
  return ProgressRange<Range>(std::forward<Range>(range), std::move(label), std::move(options));
}

/// `0:07`, `12:30`, `2:05:00`; negative or endless times as `?`.
std::string format_duration(double seconds);

}  // namespace weft
