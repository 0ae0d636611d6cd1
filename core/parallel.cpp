#include <weft/core/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include <weft/core/error.hpp>

namespace weft {
namespace {

constexpr int most_threads = 1024;
/// A wake-up through the kernel costs 30-60 us, more than most ops, so workers spin through the gaps within a step.
constexpr auto pause_time = std::chrono::microseconds(50);
constexpr auto spin_time = std::chrono::microseconds(3000);

void cpu_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Processors of a cgroup's quota, rounded up; 0 when there is none.
int cgroup_processors() {
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period && quota != "max" && period > 0)
    return static_cast<int>((std::strtod(quota.c_str(), nullptr) + period - 1) / period);
  return 0;
}

int hardware_threads() {
  int count = static_cast<int>(std::thread::hardware_concurrency());
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) count = CPU_COUNT(&set);
#endif
  if (int quota = cgroup_processors(); quota > 0) count = std::min(count, quota);
  return std::clamp(count, 1, most_threads);
}

void check_count(const char* name, long count, const std::string& got) {
  if (count < 1 || count > most_threads)
    throw ValueError(std::string(name) + ": expected 1 to " + std::to_string(most_threads) + " threads, got " + got);
}

int initial_threads() {
  const char* text = std::getenv("WEFT_NUM_THREADS");
  if (!text || !*text) return hardware_threads();
  char* end = nullptr;
  long count = std::strtol(text, &end, 10);
  check_count("WEFT_NUM_THREADS", *end ? 0 : count, text);
  return static_cast<int>(count);
}

thread_local bool inside_task = false;

/// Marks this thread as running tasks, so that nested calls run inline.
class InsideTask {
 public:
  InsideTask() { inside_task = true; }
  ~InsideTask() { inside_task = false; }
  InsideTask(const InsideTask&) = delete;
  InsideTask& operator=(const InsideTask&) = delete;
};

/// What one worker shares with the caller, on a cache line of its own. `state` is the number of the job it saw last,
/// times 4, plus one of these.
struct alignas(64) Slot {
  enum : uint64_t { taken_over = 0, running = 1, done = 2, closed = 3 };
  std::atomic<uint64_t> state{closed};
  std::atomic<uint32_t> asleep{0};
  std::thread thread;
};

/// What is left of a thread's tasks, on a cache line of its own.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
};

/// One job at a time. Each thread has a share of the tasks, in order, so that data stays near the processor that wrote
/// it when one job follows another. A share's first task is set aside for its thread, so that small jobs are handed out
/// without counters; whoever is through with its own share goes on with those of others. A worker enters a job by
/// marking its slot. Whoever has nothing left to do takes over the tasks of workers that have not come, and the caller
/// leaves when it has closed their slots and the others are done: it never waits for a thread that sleeps, or whose
/// processor is busy with something else.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {}

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  void resize(int threads) {
    while (busy_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
    stop_workers();
    threads_.store(threads, std::memory_order_relaxed);
    busy_.store(false, std::memory_order_release);
  }

  /// Ends the workers at exit, unless it is a task that exits.
  void retire() {
    if (busy_.exchange(true, std::memory_order_acquire)) return;
    stop_workers();
    threads_.store(1, std::memory_order_relaxed);
    busy_.store(false, std::memory_order_release);
  }

  /// False when the pool is busy with another thread's job.
  bool try_run(int64_t tasks, detail::TaskRef f) {
    if (busy_.load(std::memory_order_relaxed) || busy_.exchange(true, std::memory_order_acquire)) return false;
    if (!workers_) start_workers();
    const int helpers = static_cast<int>(std::min<int64_t>(tasks, worker_count_ + 1)) - 1;
    job_.tasks = tasks;
    job_.f = f;
    limit_.store(tasks, std::memory_order_relaxed);
    for (int i = 0; tasks > helpers + 1 && i <= helpers; ++i)
      shares_[static_cast<size_t>(i)].next.store(first_task(i, helpers) + 1, std::memory_order_relaxed);
    const uint64_t number = current_.load(std::memory_order_relaxed) / helpers_range + 1;
    current_.exchange(number * helpers_range + static_cast<uint64_t>(helpers));  // before the look at who sleeps
    wake_helpers(helpers, 1);
    run_task(0);
    take_tasks(0, helpers);
    leave(number, helpers);
    std::exception_ptr error = error_ ? std::exchange(error_, nullptr) : nullptr;
    busy_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
    return true;
  }

 private:
  static constexpr uint64_t helpers_range = 2 * most_threads;

  void start_workers() {
    worker_count_ = threads() - 1;
    spins_ = threads() <= hardware_threads();
    workers_ = std::make_unique<Slot[]>(static_cast<size_t>(worker_count_));
    shares_ = std::make_unique<Share[]>(static_cast<size_t>(worker_count_ + 1));
    const uint64_t last = current_.load(std::memory_order_relaxed) / helpers_range;
    for (int i = 0; i < worker_count_; ++i) {
      slot(i).state.store(last * 4 + Slot::closed, std::memory_order_relaxed);
      slot(i).thread = std::thread([this, i, last] { worker(i, last); });
    }
  }

  void stop_workers() {
    if (!workers_) return;
    stop_.store(true);
    for (int i = 0; i < worker_count_; ++i) wake(slot(i));
    for (int i = 0; i < worker_count_; ++i) slot(i).thread.join();
    workers_.reset();
    stop_.store(false);
  }

  Slot& slot(int i) { return workers_[static_cast<size_t>(i)]; }

  void worker(int self, uint64_t last) {
    inside_task = true;
    Slot& mine = slot(self);
    while (wait_for_job(mine, last)) {
      const uint64_t current = current_.load(std::memory_order_acquire);
      last = current / helpers_range;
      const int helpers = static_cast<int>(current % helpers_range);
      if (self >= helpers) continue;
      uint64_t seen = mine.state.load(std::memory_order_relaxed);
      while (seen < last * 4 + Slot::closed &&
             !mine.state.compare_exchange_weak(seen, last * 4 + Slot::running, std::memory_order_acquire)) {}
      if (seen >= last * 4 + Slot::closed) continue;
      wake_helpers(helpers, helpers);
      if (seen != last * 4 + Slot::taken_over) run_task(first_task(self + 1, helpers));
      take_tasks(self + 1, helpers);
      if (job_.tasks > helpers + 1) take_over(last, helpers);
      mine.state.store(last * 4 + Slot::done, std::memory_order_release);
    }
  }

  bool has_job(uint64_t last) const { return current_.load(std::memory_order_acquire) / helpers_range != last; }

  /// Pauses, then yields, then sleeps. False when the pool stops.
  bool wait_for_job(Slot& mine, uint64_t last) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    for (bool pausing = spins_;;) {
      for (int i = 0; i < 32; ++i) {
        if (has_job(last)) return true;
        if (pausing) cpu_pause();
        else std::this_thread::yield();
      }
      if (stop_.load(std::memory_order_relaxed)) return false;
      const auto waited = Clock::now() - begin;
      if (waited > pause_time) pausing = false;
      if (waited > spin_time || !spins_) break;
    }
    // Whoever opens a job or stops the pool does so before it looks at `asleep`, and this looks the other way around.
    while (!stop_.load()) {
      mine.asleep.store(1);
      sleepers_.fetch_add(1);
      if (current_.load() / helpers_range == last && !stop_.load()) mine.asleep.wait(1);
      sleepers_.fetch_sub(1);
      mine.asleep.store(0);
      if (has_job(last)) return true;
    }
    return false;
  }

  static bool wake(Slot& sleeper) {
    if (!sleeper.asleep.load() || !sleeper.asleep.exchange(0)) return false;
    sleeper.asleep.notify_one();
    return true;
  }

  /// Wakes up to `most` of those who are to help. Each costs microseconds, so whoever opens a job wakes one alone, and
  /// the others are woken by it, or when the first task is done and there are more.
  void wake_helpers(int helpers, int most) {
    if (sleepers_.load() == 0) return;
    for (int i = 0; i < helpers && most > 0; ++i) most -= wake(slot(i));
  }

  /// Thread 0 is the calling one; `helpers` takes the place of the number of threads less one.
  int64_t first_task(int thread, int helpers) const { return job_.tasks * thread / (helpers + 1); }

  void take_tasks(int thread, int helpers) {
    if (job_.tasks <= helpers + 1) return;
    for (int i = 0; i <= helpers; ++i) {
      const int whose = (thread + i) % (helpers + 1);
      std::atomic<int64_t>& next = shares_[static_cast<size_t>(whose)].next;
      const int64_t end = first_task(whose + 1, helpers);
      while (next.load(std::memory_order_relaxed) < end) {
        const int64_t task = next.fetch_add(1, std::memory_order_relaxed);
        if (task >= end) break;
        wake_helpers(helpers, helpers);
        if (task < limit_.load(std::memory_order_relaxed)) run_task(task);
      }
    }
  }

  /// Runs the tasks that were set aside for workers who are not here yet.
  void take_over(uint64_t number, int helpers) {
    for (int i = 0; i < helpers; ++i) {
      uint64_t seen = slot(i).state.load(std::memory_order_relaxed);
      if (seen < number * 4 && slot(i).state.compare_exchange_strong(seen, number * 4 + Slot::taken_over))
        run_task(first_task(i + 1, helpers));
    }
  }

  void leave(uint64_t number, int helpers) {
    take_over(number, helpers);
    for (int i = 0; i < helpers; ++i) {
      uint64_t seen = slot(i).state.load(std::memory_order_acquire);
      if (seen == number * 4 + Slot::taken_over &&
          slot(i).state.compare_exchange_strong(seen, number * 4 + Slot::closed, std::memory_order_acquire))
        continue;
      for (int round = 0; slot(i).state.load(std::memory_order_acquire) != number * 4 + Slot::done; ++round) {
        if (round < 2000 && spins_) cpu_pause();
        else std::this_thread::yield();
      }
    }
  }

  void run_task(int64_t task) {
    try {
      job_.f.call(job_.f.object, task);
    } catch (...) {
      std::lock_guard lock(error_mutex_);
      if (!error_ || task < error_task_) {
        error_ = std::current_exception();
        error_task_ = task;
        // No lower task is dropped, so the lowest failure is found whatever the threads' timing.
        limit_.store(task, std::memory_order_relaxed);
      }
    }
  }

  struct Job {
    int64_t tasks = 0;
    detail::TaskRef f{};
  };

  std::atomic<int> threads_;
  int worker_count_ = 0;
  bool spins_ = true;
  std::unique_ptr<Slot[]> workers_;
  std::mutex error_mutex_;
  std::exception_ptr error_;
  int64_t error_task_ = 0;
  alignas(64) std::atomic<bool> busy_{false};
  alignas(64) std::atomic<uint64_t> current_{0};  // the job's number, and how many workers are to help
  Job job_;
  std::unique_ptr<Share[]> shares_;
  alignas(64) std::atomic<int64_t> limit_{0};  // tasks from here on are dropped
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
};

/// The pool of this process. A forked child has none of its parent's threads, so it gets a pool of its own and leaves
/// the parent's alone.
class ProcessPool {
 public:
  static Pool& get() {
    static ProcessPool holder;
    return *current();
  }

 private:
  ProcessPool() {
    current() = new Pool(initial_threads());
#ifdef __linux__
    pthread_atfork(nullptr, nullptr, [] { current() = new Pool(current()->threads()); });
#endif
  }
  ~ProcessPool() { current()->retire(); }
  static Pool*& current() {
    static Pool* pool = nullptr;
    return pool;
  }
};

}  // namespace

int num_threads() { return ProcessPool::get().threads(); }

void set_num_threads(int count) {
  check_count("set_num_threads", count, std::to_string(count));
  if (inside_task)
    throw StateError("set_num_threads: expected a call outside parallel_for, got one from within a task");
  if (count != num_threads()) ProcessPool::get().resize(count);
}

namespace detail {

void run_tasks(int64_t tasks, TaskRef f) {
  if (tasks > 1 && !inside_task) {
    Pool& pool = ProcessPool::get();
    if (pool.threads() > 1) {
      InsideTask inside;
      if (pool.try_run(tasks, f)) return;
    }
  }
  for (int64_t task = 0; task < tasks; ++task) f.call(f.object, task);
}

}  // namespace detail
}  // namespace weft
