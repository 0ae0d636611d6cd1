#include <weft/core/parallel.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include <weft/core/error.hpp>

namespace weft {
namespace {

constexpr int most_threads = 1024;
/// A wake-up through the kernel costs 30-60 us, more than most ops, so workers spin through the gaps within a step.
constexpr auto pause_time = std::chrono::microseconds(50);
constexpr auto spin_time = std::chrono::microseconds(1500);

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

/// One job at a time. `state_` holds the job's number, whether it takes workers, and how many are in it; a worker
/// enters by counting itself in, and the caller leaves only when it has closed the job and the count is 0. Sleepers
/// need not wake for that.
class Pool {
 public:
  static Pool& instance() {
    static Pool pool;
    return pool;
  }

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  void resize(int threads) {
    while (busy_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
    stop_workers();
    threads_.store(threads, std::memory_order_relaxed);
    busy_.store(false, std::memory_order_release);
  }

  /// False when the pool is busy with another thread's job.
  bool try_run(int64_t tasks, detail::TaskRef f) {
    if (busy_.load(std::memory_order_relaxed) || busy_.exchange(true, std::memory_order_acquire)) return false;
    start_workers();
    tasks_ = tasks;
    f_ = f;
    next_.store(0, std::memory_order_relaxed);
    state_.fetch_add(generation_step +
                     open_bit);  // a store would lose the count of a worker that came late to the last job
    if (sleepers_.load() > 0) {
      { std::lock_guard lock(sleep_mutex_); }
      wake_.notify_all();
    }
    work();
    state_.fetch_and(~open_bit);
    wait_for_workers();
    std::exception_ptr error = std::exchange(error_, nullptr);
    busy_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
    return true;
  }

 private:
  static constexpr uint64_t count_mask = 0xffff, open_bit = 0x10000, generation_step = 0x20000;

  Pool() : threads_(initial_threads()) {}
  ~Pool() { stop_workers(); }

  void start_workers() {
    size_t wanted = static_cast<size_t>(threads() - 1);
    if (workers_.size() == wanted) return;
    spins_ = threads() <= hardware_threads();
    while (workers_.size() < wanted) workers_.emplace_back([this] { worker(); });
  }

  void stop_workers() {
    {
      std::lock_guard lock(sleep_mutex_);
      stop_.store(true);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stop_.store(false);
  }

  void worker() {
    inside_task = true;
    uint64_t last = 0;
    while (wait_for_job(last)) {
      uint64_t state = state_.fetch_add(1);
      last = state / generation_step;
      if (state & open_bit) work();
      state_.fetch_sub(1, std::memory_order_release);
    }
  }

  bool has_job(uint64_t last) const {
    uint64_t state = state_.load(std::memory_order_acquire);
    return (state & open_bit) && state / generation_step != last;
  }

  /// Pauses, then yields, then sleeps. False when the pool stops.
  bool wait_for_job(uint64_t last) {
    auto begin = std::chrono::steady_clock::now();
    for (bool pausing = spins_;;) {
      for (int i = 0; i < 32; ++i) {
        if (has_job(last)) return true;
        if (pausing) cpu_pause();
        else std::this_thread::yield();
      }
      if (stop_.load(std::memory_order_relaxed)) return false;
      auto waited = std::chrono::steady_clock::now() - begin;
      if (waited > pause_time) pausing = false;
      if (waited > spin_time || !spins_) break;
    }
    std::unique_lock lock(sleep_mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return stop_.load() || has_job_now(last); });
    sleepers_.fetch_sub(1);
    return !stop_.load();
  }
  /// Ordered after the sleeper's count, as the caller orders its look at the count after opening the job.
  bool has_job_now(uint64_t last) const {
    uint64_t state = state_.load();
    return (state & open_bit) && state / generation_step != last;
  }

  void wait_for_workers() {
    for (int i = 0; (state_.load(std::memory_order_acquire) & count_mask) != 0; ++i) {
      if (i < 2000 && spins_) cpu_pause();
      else std::this_thread::yield();
    }
  }

  void work() {
    for (int64_t task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) {
      try {
        f_.call(f_.object, task);
      } catch (...) {
        std::lock_guard lock(error_mutex_);
        if (!error_ || task < error_task_) {
          error_ = std::current_exception();
          error_task_ = task;
        }
        // Every lower task has begun already, so the lowest failure is found whatever the threads' timing.
        next_.store(tasks_, std::memory_order_relaxed);
      }
    }
  }

  std::atomic<int> threads_;
  bool spins_ = true;
  std::atomic<bool> busy_{false}, stop_{false};
  std::vector<std::thread> workers_;
  std::mutex sleep_mutex_, error_mutex_;
  std::condition_variable wake_;
  std::exception_ptr error_;
  int64_t error_task_ = 0;
  alignas(64) std::atomic<uint64_t> state_{0};
  std::atomic<int> sleepers_{0};
  int64_t tasks_ = 0;
  detail::TaskRef f_{};
  alignas(64) std::atomic<int64_t> next_{0};
};

}  // namespace

int num_threads() { return Pool::instance().threads(); }

void set_num_threads(int count) {
  check_count("set_num_threads", count, std::to_string(count));
  if (inside_task)
    throw StateError("set_num_threads: expected a call outside parallel_for, got one from within a task");
  if (count != num_threads()) Pool::instance().resize(count);
}

namespace detail {

void run_tasks(int64_t tasks, TaskRef f) {
  if (tasks > 1 && !inside_task) {
    Pool& pool = Pool::instance();
    if (pool.threads() > 1) {
      InsideTask inside;
      if (pool.try_run(tasks, f)) return;
    }
  }
  for (int64_t task = 0; task < tasks; ++task) f.call(f.object, task);
}

}  // namespace detail
}  // namespace weft
