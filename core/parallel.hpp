#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace weft {

/// How many threads work on one op, the calling one included. Starts as WEFT_NUM_THREADS, else as many as the process
/// may run on (affinity and cgroup quota heeded). Results do not depend on it.
int num_threads();
/// Throws ValueError when count < 1, StateError when called from within a task.
void set_num_threads(int count);

namespace detail {
/// A reference to a callable `void(int64_t)`; it must not outlive the call it is passed to.
struct TaskRef {
  void* object;
  void (*call)(void* object, int64_t task);
};
void run_tasks(int64_t tasks, TaskRef f);
}  // namespace detail

/// Calls f(task) once for every task in [0, tasks), on several threads; returns when all are done. Each thread does its
/// share of them in order, then those of others that are left: data stays near the processor that wrote it, a neighbour
/// on one processor costs no more than its share, and what depends on its task alone is the same with any threads.
/// Runs inline when called from within a task, or while another thread keeps the pool busy. What a task throws is
/// rethrown here, the lowest task's first; higher ones not yet begun are then dropped.
template <class F> void parallel_for(int64_t tasks, F&& f) {
  using Callable = std::remove_reference_t<F>;
  auto call = [](void* object, int64_t task) { (*static_cast<Callable*>(object))(task); };
  detail::run_tasks(tasks, {const_cast<void*>(static_cast<const void*>(std::addressof(f))), call});
}

/// Splits [0, count) into pieces of `chunk` (the last may be shorter) and calls f(begin, end) for each.
template <class F> void parallel_chunks(int64_t count, int64_t chunk, F&& f) {
  parallel_for((count + chunk - 1) / chunk, [&](int64_t task) {
    int64_t begin = task * chunk;
    f(begin, begin + chunk < count ? begin + chunk : count);
  });
}

}  // namespace weft
