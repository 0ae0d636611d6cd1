#include <weft/core/parallel.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#ifdef __linux__
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <weft/core/error.hpp>

using namespace weft;

namespace {
struct ThreadsGuard {
  int before = num_threads();
  ~ThreadsGuard() { set_num_threads(before); }
};
}  // namespace

TEST_CASE("parallel_for runs every task once", "[threads]") {
  ThreadsGuard guard;
  for (int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    REQUIRE(num_threads() == threads);
    for (int64_t tasks : {0, 1, 2, 5, 257}) {
      std::vector<int> counts(static_cast<size_t>(tasks));
      parallel_for(tasks, [&](int64_t task) { ++counts[static_cast<size_t>(task)]; });
      REQUIRE(counts == std::vector<int>(counts.size(), 1));
    }
  }
}

TEST_CASE("parallel_for really uses several threads", "[threads]") {
  ThreadsGuard guard;
  set_num_threads(3);
  std::atomic<int> arrived{0};
  // Each task waits for the others, so this ends only when three threads run at once.
  parallel_for(3, [&](int64_t) {
    ++arrived;
    while (arrived.load() < 3) std::this_thread::yield();
  });
  REQUIRE(arrived.load() == 3);
}

TEST_CASE("parallel_for wakes threads that have gone to sleep", "[threads]") {
  ThreadsGuard guard;
  set_num_threads(2);
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> arrived{0};
    parallel_for(2, [&](int64_t) {
      ++arrived;
      while (arrived.load() < 2) std::this_thread::yield();
    });
    REQUIRE(arrived.load() == 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_CASE("parallel_chunks covers the range with fixed pieces", "[threads]") {
  ThreadsGuard guard;
  set_num_threads(4);
  std::vector<int> hits(103);
  std::atomic<int> pieces{0};
  parallel_chunks(103, 10, [&](int64_t begin, int64_t end) {
    ++pieces;
    for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
  });
  REQUIRE(pieces.load() == 11);
  REQUIRE(hits == std::vector<int>(103, 1));
}

TEST_CASE("parallel_for nests by running inline", "[threads]") {
  ThreadsGuard guard;
  set_num_threads(4);
  std::vector<int> counts(7 * 11);
  parallel_for(7, [&](int64_t outer) {
    auto self = std::this_thread::get_id();
    parallel_for(11, [&](int64_t inner) {
      if (std::this_thread::get_id() != self) throw std::logic_error("nested task ran elsewhere");
      ++counts[static_cast<size_t>(outer * 11 + inner)];
    });
  });
  REQUIRE(counts == std::vector<int>(77, 1));
}

TEST_CASE("parallel_for rethrows the lowest task's exception and works again", "[threads]") {
  ThreadsGuard guard;
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    for (int round = 0; round < 50; ++round) {
      std::string caught;
      try {
        parallel_for(100, [&](int64_t task) {
          if (task % 10 == 3) throw std::runtime_error("task " + std::to_string(task));
        });
      } catch (const std::runtime_error& error) { caught = error.what(); }
      REQUIRE(caught == "task 3");
    }
    std::atomic<int> done{0};
    parallel_for(100, [&](int64_t) { ++done; });
    REQUIRE(done.load() == 100);
  }
}

TEST_CASE("several user threads may call parallel_for at once", "[threads]") {
  ThreadsGuard guard;
  set_num_threads(4);
  std::vector<int64_t> sums(3);
  std::vector<std::thread> users;
  for (size_t user = 0; user < 3; ++user)
    users.emplace_back([&sums, user] {
      for (int round = 0; round < 300; ++round) {
        std::vector<int64_t> parts(13);
        parallel_for(13, [&](int64_t task) { parts[static_cast<size_t>(task)] = task + round; });
        for (int64_t part : parts) sums[user] += part;
      }
    });
  for (std::thread& user : users) user.join();
  for (int64_t sum : sums) REQUIRE(sum == 300 * 78 + 13 * (299 * 300 / 2));
}

TEST_CASE("set_num_threads refuses counts below one and calls from tasks", "[threads]") {
  ThreadsGuard guard;
  REQUIRE_THROWS_AS(set_num_threads(0), ValueError);
  REQUIRE_THROWS_WITH(set_num_threads(-2), Catch::Contains("set_num_threads: expected 1") && Catch::Contains("got -2"));
  set_num_threads(2);
  REQUIRE_THROWS_AS(parallel_for(4, [](int64_t) { set_num_threads(3); }), StateError);
  REQUIRE(num_threads() == 2);
}

TEST_CASE("a hundred thousand small jobs run every task", "[threads]") {
  ThreadsGuard guard;
  for (int threads : {2, 4, 7}) {
    set_num_threads(threads);
    std::vector<int64_t> sums(9);
    for (int64_t round = 0; round < 33'000; ++round)
      parallel_for(2 + round % 8, [&](int64_t task) { sums[static_cast<size_t>(task)] += round; });
    int64_t expected = 0;
    for (int64_t round = 0; round < 33'000; ++round) expected += round * (2 + round % 8);
    int64_t total = 0;
    for (int64_t sum : sums) total += sum;
    REQUIRE(total == expected);
  }
}

TEST_CASE("sums of tasks have the same bits at any number of threads", "[threads]") {
  ThreadsGuard guard;
  std::vector<float> first;
  for (int threads : {1, 2, 3, 4, 7}) {
    set_num_threads(threads);
    std::vector<float> sums(53);
    parallel_for(53, [&](int64_t task) {
      float sum = 0;
      for (int i = 1; i < 1000; ++i) sum += 1.0f / static_cast<float>(i + 7 * task);
      sums[static_cast<size_t>(task)] = sum;
    });
    if (first.empty()) first = sums;
    REQUIRE(sums == first);
  }
}

TEST_CASE("a job ends although a worker that was to help sleeps through it", "[threads]") {
  ThreadsGuard guard;
  set_num_threads(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<int> counts(7);
    parallel_for(7, [&](int64_t task) { ++counts[static_cast<size_t>(task)]; });
    REQUIRE(counts == std::vector<int>(7, 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
}

#if defined(__linux__) && !defined(__SANITIZE_THREAD__)  // which allows no threads after a fork
TEST_CASE("a forked child has threads of its own") {
  ThreadsGuard guard;
  set_num_threads(3);
  parallel_for(3, [](int64_t) {});
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> arrived{0};
    parallel_for(3, [&](int64_t) {
      ++arrived;
      while (arrived.load() < 3) std::this_thread::yield();
    });
    _exit(arrived.load());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 3);
}
#endif
