#include <weft/training/progress.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <vector>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace weft {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The file descriptor of a standard stream, -1 of any other.
int descriptor_of(const std::ostream& stream) {
  if (&stream == &std::cout) return STDOUT_FILENO;
  if (&stream == &std::cerr || &stream == &std::clog) return STDERR_FILENO;
  return -1;
}

int columns_of(int descriptor) {
  winsize size{};
  if (descriptor < 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

struct ProgressBar::Impl {
  std::string label;
  int64_t total, done, done_before;
  ProgressOptions options;
  std::ostream* stream;
  int descriptor;
  bool terminal;
  double began, shown;
  bool finished = false;
  std::vector<std::pair<std::string, double>> values;

  double now() const { return options.clock ? options.clock() : steady_seconds(); }

  /// `78/125  3.1/s  0:15 left  loss 0.4123`
  std::string facts() const {
    double elapsed = now() - began, rate = 0;
    if (elapsed > 0) rate = static_cast<double>(done - done_before) / elapsed;
    std::string text = total < 0 ? fmt::format("{}", done) : fmt::format("{}/{}", done, total);
    if (rate > 0) text += rate >= 1 ? fmt::format("  {:.1f}/s", rate) : fmt::format("  {:.1f} s each", 1 / rate);
    if (finished || total < 0) text += "  " + format_duration(elapsed);
    else if (rate > 0) text += "  " + format_duration(static_cast<double>(total - done) / rate) + " left";
    for (const auto& [name, value] : values) text += fmt::format("  {} {:.4g}", name, value);
    return text;
  }

  std::string line(int width) const {
    std::string head = label.empty() ? "" : label + "  ", tail = facts();
    if (total <= 0) return head + tail;
    double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    head += fmt::format("{:3.0f}% ", std::floor(100 * share));
    int bar = std::min(30, width - static_cast<int>(head.size() + tail.size()) - 4);
    if (!terminal || bar < 5) return head + tail;  // too narrow, or a log, where bars say nothing
    int full = static_cast<int>(share * bar);
    std::string filled(static_cast<size_t>(full), '=');
    if (full < bar) filled += '>';
    return head + '[' + filled + std::string(static_cast<size_t>(bar) - filled.size(), ' ') + "]  " + tail;
  }

  void show() {
    shown = now();
    if (!terminal) {
      *stream << line(0) << std::endl;
      return;
    }
    // One column is left free: some terminals wrap when the last one is written.
    size_t width = static_cast<size_t>(std::max(10, (options.width > 0 ? options.width : columns_of(descriptor)) - 1));
    std::string text = line(static_cast<int>(width)).substr(0, width);
    *stream << '\r' << text << "\x1b[K" << (finished ? "\n" : "") << std::flush;
  }

  void show_when_due() {
    if (!finished && now() - shown >= (terminal ? options.refresh_seconds : options.line_seconds)) show();
  }
};

ProgressBar::ProgressBar(std::string label, int64_t total, ProgressOptions options, int64_t done)
    : impl_(std::make_unique<Impl>()) {
  impl_->label = std::move(label);
  impl_->total = total;
  impl_->done = impl_->done_before = done;
  impl_->options = std::move(options);
  impl_->stream = impl_->options.stream ? impl_->options.stream : &std::cerr;
  impl_->descriptor = descriptor_of(*impl_->stream);
  impl_->terminal = impl_->options.terminal.value_or(impl_->descriptor >= 0 && isatty(impl_->descriptor));
  impl_->began = impl_->shown = impl_->now();
}

ProgressBar::~ProgressBar() {
  if (impl_) finish();
}
ProgressBar::ProgressBar(ProgressBar&&) noexcept = default;

void ProgressBar::advance(int64_t steps) {
  impl_->done += steps;
  impl_->show_when_due();
}

void ProgressBar::set(std::string_view name, double value) {
  auto& values = impl_->values;
  auto found = std::find_if(values.begin(), values.end(), [&](const auto& entry) { return entry.first == name; });
  if (found == values.end()) values.emplace_back(name, value);
  else found->second = value;
  impl_->show_when_due();
}

void ProgressBar::finish() {
  if (impl_->finished) return;
  impl_->finished = true;
  impl_->show();
}

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  int64_t whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace weft
