#pragma once

#include <vector>

#include <weft/autograd/grad.hpp>
#include <weft/core/random.hpp>

namespace weft {

/// `function` that forgets what it computed on the way and computes it again for the gradient: less memory, one more
/// forward run. Parameters that it reads get their gradients; random streams give the same numbers in the second run,
/// and writes to state (running statistics, caches) happen in the first run alone.
Function remat(Function function);

/// Random keys drawn in a first run, for a second one. Random streams ask `current()` before they draw.
class Replay {
 public:
  /// The innermost one on this thread, or null.
  static Replay* current();

  /// True in a second run: keys come from the log, and writes to state are dropped.
  bool replaying = false;
  std::vector<RandomKey> keys;
  size_t next = 0;
};

/// Makes `replay` current on this thread while it lives.
class ReplayScope {
 public:
  explicit ReplayScope(Replay& replay);
  ~ReplayScope();
  ReplayScope(const ReplayScope&) = delete;
  ReplayScope& operator=(const ReplayScope&) = delete;

 private:
  Replay* before_;
};

}  // namespace weft
