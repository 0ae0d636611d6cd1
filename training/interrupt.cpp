#include <weft/training/interrupt.hpp>

#include <atomic>
#include <csignal>
#include <mutex>

#include <unistd.h>

namespace weft {
namespace {

std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch lock-free atomics only");

std::mutex mutex;
int guards = 0;
struct sigaction int_before, term_before;

// Only what is safe within a signal handler: an atomic, write, signal and raise.
extern "C" void on_signal(int signal) {
  if (signals_seen.fetch_add(1) == 0) {
    constexpr char text[] = "\nStopping after this step; once more stops at once.\n";
    [[maybe_unused]] auto written = write(STDERR_FILENO, text, sizeof text - 1);
    return;
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  std::lock_guard lock(mutex);
  if (guards++ > 0) return;
  signals_seen = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &int_before);
  sigaction(SIGTERM, &action, &term_before);
}

InterruptGuard::~InterruptGuard() {
  std::lock_guard lock(mutex);
  if (--guards > 0) return;
  sigaction(SIGINT, &int_before, nullptr);
  sigaction(SIGTERM, &term_before, nullptr);
}

bool InterruptGuard::requested() const { return signals_seen.load() > 0; }

}  // namespace weft
