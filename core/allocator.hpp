#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft {

struct MemoryStats {
  int64_t active = 0;           ///< bytes in use now, rounded up to size classes
  int64_t peak = 0;             ///< the most that `active` has been since reset_peak()
  int64_t cached = 0;           ///< bytes kept for reuse, with what separates the blocks
  int64_t limit = 0;            ///< most bytes that may be active; 0 means no limit
  int64_t requests = 0;         ///< allocations asked for
  int64_t system_requests = 0;  ///< of these, how many went to the operating system
};

/// Host memory aligned to 64 bytes, in size classes at most a 32nd apart, kept for reuse when freed. Thread-safe.
///
/// Blocks are cut from large regions, which huge pages back where the system has them: fresh memory then costs a
/// fraction of the page faults. Free neighbours merge, so that what one step freed serves the differently sized
/// tensors of the next, and the process grows to little more than its peak of active bytes. Free blocks are found in
/// constant time by two levels of bits, as in Masmano, Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator
/// for real-time systems" (2004). A few small blocks of each size wait unmerged for the next request.
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
  struct Block;
  struct Region;
  class Lock;
  /// Sizes below 2 KiB in steps of 64, then 32 classes to each power of two.
  static constexpr int steps = 32, powers = 37, small_powers = 6;

  void* take(int64_t size);
  Block* find(int64_t size);
  bool map_region(int64_t size);
  void release_free_regions();
  void merge(Block* block);
  void merge_waiting();
  void insert(Block* block);
  void remove(Block* block);

  mutable std::atomic<bool> locked_{false};
  uint64_t power_bits_ = 0;
  uint32_t step_bits_[powers] = {};
  Block* free_[powers][steps] = {};
  Block* waiting_[small_powers][steps] = {};
  int64_t waiting_bytes_ = 0;
  Region* regions_ = nullptr;
  int64_t mapped_ = 0;
  MemoryStats stats_;
};

}  // namespace weft
