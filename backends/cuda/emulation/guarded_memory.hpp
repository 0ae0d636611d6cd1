#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include <weft/core/allocator.hpp>

namespace weft::cuda::emulation {

/// The memory of the emulated GPU. Nobody may touch it but kernels and the backend's copies, which open it while they
/// run: host code that reads or writes it elsewhere ends with a segmentation fault, as with a GPU's. What is given out
/// holds NaN in every floating type, and a kernel that wrote past the end of a block is found when the block is freed.
/// For tests on one thread at a time: while one runs a kernel, another's mistakes go unseen.
class GuardedMemory {
 public:
  GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  void* allocate(int64_t bytes);
  /// `bytes` as given to allocate(). Ends the process when something was written behind the block.
  void deallocate(void* memory, int64_t bytes) noexcept;
  MemoryStats stats() const;
  void set_limit(int64_t bytes);

  /// Counted, so that openings may lie within each other.
  void open();
  void close();

 private:
  void protect(int protection);

  mutable std::mutex mutex_;
  unsigned char* begin_;
  int64_t end_ = 0;   ///< bytes that there are
  int64_t used_ = 0;  ///< from there on nothing was given out yet
  int openings_ = 0;
  std::map<int64_t, std::vector<unsigned char*>> free_;  ///< by size
  MemoryStats stats_;
};

/// The one that the backend `cuda_emulated` gives out; never destroyed.
GuardedMemory& guarded_memory();

/// Opens it for as long as this lives.
class OpenMemory {
 public:
  OpenMemory() { guarded_memory().open(); }
  ~OpenMemory() { guarded_memory().close(); }
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;
};

}  // namespace weft::cuda::emulation
