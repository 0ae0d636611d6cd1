#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

#include <weft/training/interrupt.hpp>

using namespace weft;

namespace {

/// Runs f in a child process with a quiet stderr, and gives its wait status.
template <class F> int in_child(F&& f) {
  pid_t child = fork();
  if (child == 0) {
    static_cast<void>(freopen("/dev/null", "w", stderr) == nullptr);
    for (int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
    f();
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("the first interrupt only sets the flag") {
  for (int signal : {SIGINT, SIGTERM}) {
    int status = in_child([&] {
      InterruptGuard guard;
      if (guard.requested()) _exit(1);
      std::raise(signal);
      _exit(guard.requested() ? 0 : 2);
    });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("the second interrupt ends the process") {
  int status = in_child([] {
    InterruptGuard guard;
    std::raise(SIGINT);
    std::raise(SIGINT);
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("after the guard an interrupt does what it did before") {
  int status = in_child([] {
    { InterruptGuard guard; }
    std::raise(SIGINT);
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("an inner guard shares the outer one's flag, and a new outermost one starts anew") {
  int status = in_child([] {
    {
      InterruptGuard outer;
      std::raise(SIGINT);
      InterruptGuard inner;
      if (!inner.requested()) _exit(1);
    }
    InterruptGuard next;
    _exit(next.requested() ? 2 : 0);
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
