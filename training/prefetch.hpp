#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace weft {

/// Makes the items first .. last - 1 ahead of their use, on worker threads, and hands them out in order. Which thread
/// makes an item never matters to it.
class Prefetcher {
 public:
  using Make = std::function<std::shared_ptr<void>(int64_t item)>;

  /// At most `ahead` items wait or are being made. With no workers `next` makes its item itself.
  Prefetcher(int workers, int ahead, int64_t first, int64_t last, Make make);
  /// Stops the workers after the items they are making.
  ~Prefetcher();
  Prefetcher(Prefetcher&&) noexcept;
  Prefetcher& operator=(Prefetcher&&) noexcept;

  /// The next item, null after the last. Rethrows what its making threw; nothing comes after that.
  std::shared_ptr<void> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
