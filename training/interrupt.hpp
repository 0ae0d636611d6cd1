#pragma once

namespace weft {

/// While it lives, the first Ctrl-C (SIGINT) or SIGTERM only sets a flag, so that a training loop can save and stop:
///
///   InterruptGuard guard;
///   for (auto& batch : loader) {
///     train_step(batch);
///     if (guard.requested()) { save_checkpoint(...); break; }
///   }
///
/// The second one ends the process as if there were no guard. A guard within another shares its flag; the flag is
/// cleared when the outermost begins.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool requested() const;
};

}  // namespace weft
