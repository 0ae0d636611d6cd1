// The memory of the emulated GPU (backends/cuda/emulation): what it does to those who use it as no GPU lets them.

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>

#include <weft/backends/cuda/emulation/guarded_memory.hpp>
#include <weft/core/error.hpp>
#include <weft/core/half.hpp>

using namespace weft;
using cuda::emulation::GuardedMemory;

namespace {

/// The signal that `f` ends a process with; 0 if it comes back.
template <class F> int signal_of(F&& f) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (int number : {SIGSEGV, SIGABRT}) std::signal(number, SIG_DFL);
    if (!std::freopen("/dev/null", "w", stderr)) _exit(1);
    f();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

template <class T> double value_at(const void* memory) {
  T value;
  std::memcpy(&value, memory, sizeof(T));
  return static_cast<double>(value);
}

}  // namespace

TEST_CASE("memory of the emulated grid holds NaN until it is written", "[cuda]") {
  GuardedMemory memory;
  void* first = memory.allocate(40);
  memory.open();
  for (int byte = 0; byte < 40; byte += 8) {
    CHECK(std::isnan(value_at<double>(static_cast<char*>(first) + byte)));
    CHECK(std::isnan(value_at<float>(static_cast<char*>(first) + byte)));
    CHECK(std::isnan(value_at<float16>(static_cast<char*>(first) + byte)));
    CHECK(std::isnan(value_at<bfloat16>(static_cast<char*>(first) + byte)));
  }
  std::memset(first, 0, 40);
  memory.close();
  memory.deallocate(first, 40);
  void* again = memory.allocate(40);
  CHECK(again == first);
  memory.open();
  CHECK(std::isnan(value_at<double>(again)));
  memory.close();
  memory.deallocate(again, 40);
}

TEST_CASE("memory of the emulated grid is closed to the host", "[cuda]") {
  GuardedMemory memory;
  auto* block = static_cast<volatile char*>(memory.allocate(100));
  auto read = [&] { static_cast<void>(block[0]); };
  auto write = [&] { block[99] = 1; };
  CHECK(signal_of(read) == SIGSEGV);
  CHECK(signal_of(write) == SIGSEGV);
  memory.open();
  memory.open();
  CHECK(signal_of(write) == 0);
  void* other = memory.allocate(10);
  memory.close();
  CHECK(signal_of(write) == 0);  // the outer opening is there still
  memory.deallocate(other, 10);
  CHECK(signal_of(read) == 0);
  memory.close();
  CHECK(signal_of(read) == SIGSEGV);
  memory.deallocate(memory.allocate(10), 10);
  CHECK(signal_of(write) == SIGSEGV);
}

TEST_CASE("the emulated grid finds what a kernel wrote behind a tensor", "[cuda]") {
  GuardedMemory memory;
  for (int64_t bytes : {1, 63, 64, 65, 1000, 5000}) {
    CAPTURE(bytes);
    auto* block = static_cast<char*>(memory.allocate(bytes));
    auto writing_at = [&](int64_t place) {
      return signal_of([&] {
        memory.open();
        block[place] = 1;
        memory.close();
        memory.deallocate(block, bytes);
      });
    };
    CHECK(writing_at(0) == 0);
    CHECK(writing_at(bytes - 1) == 0);
    CHECK(writing_at(bytes) == SIGABRT);
    CHECK(writing_at(bytes + 63) == SIGABRT);
    memory.deallocate(block, bytes);
  }
}

TEST_CASE("memory of the emulated grid is counted and limited", "[cuda]") {
  GuardedMemory memory;
  memory.set_limit(1000);
  void *first = memory.allocate(600), *second = memory.allocate(400);
  CHECK(first != second);
  CHECK_THROWS_AS(memory.allocate(1), MemoryError);
  CHECK(memory.stats().active == 1000);
  memory.deallocate(first, 600);
  CHECK(memory.stats().active == 400);
  CHECK(memory.stats().peak == 1000);
  CHECK(memory.stats().limit == 1000);
  CHECK(memory.stats().requests == 2);
  memory.deallocate(second, 400);
}
