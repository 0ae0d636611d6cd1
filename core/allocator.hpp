#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace weft {

struct MemoryStats {
  int64_t active = 0;           ///< bytes in use now, rounded up to size classes
  int64_t peak = 0;             ///< the most that `active` has been since reset_peak()
  int64_t cached = 0;           ///< bytes kept for reuse
  int64_t limit = 0;            ///< most bytes that may be active; 0 means no limit
  int64_t requests = 0;         ///< allocations asked for
  int64_t system_requests = 0;  ///< of these, how many went to the operating system
};

/// Host memory aligned to 64 bytes, in size classes at most an eighth apart, kept for reuse when freed. Thread-safe.
class CachingAllocator {
 public:
  static constexpr int64_t alignment = 64;

  CachingAllocator() = default;
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  /// Throws MemoryError, naming the size, when the limit or the system refuses even after the cache is emptied.
  void* allocate(int64_t bytes);
  /// `bytes` as given to allocate().
  void deallocate(void* memory, int64_t bytes) noexcept;

  MemoryStats stats() const;
  void reset_peak();
  /// At most this many active bytes; 0 lifts the limit.
  void set_limit(int64_t bytes);
  /// Gives cached memory back to the system.
  void trim();

 private:
  void trim_locked();

  mutable std::mutex mutex_;
  std::map<int64_t, std::vector<void*>> free_;
  MemoryStats stats_;
};

}  // namespace weft
