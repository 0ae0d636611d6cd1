#include <weft/core/allocator.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>

#include <weft/core/error.hpp>

namespace weft {
namespace {

int64_t size_class(int64_t bytes) {
  bytes = std::max<int64_t>(bytes, CachingAllocator::alignment);
  int64_t step = std::max<int64_t>(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))) / 8,
                                   CachingAllocator::alignment);
  return (bytes + step - 1) / step * step;
}

constexpr int64_t largest_request = int64_t{1} << 46;

}  // namespace

CachingAllocator::~CachingAllocator() { trim_locked(); }

void* CachingAllocator::allocate(int64_t bytes) {
  if (bytes < 0 || bytes > largest_request)
    throw MemoryError("allocator: cannot allocate " + std::to_string(bytes) + " bytes");
  int64_t size = size_class(bytes);
  std::lock_guard lock(mutex_);
  if (stats_.limit > 0 && stats_.active + size > stats_.limit)
    throw MemoryError("allocator: " + std::to_string(bytes) + " bytes on top of " + std::to_string(stats_.active) +
                      " in use exceed the limit of " + std::to_string(stats_.limit));
  void* memory = nullptr;
  if (auto found = free_.find(size); found != free_.end() && !found->second.empty()) {
    memory = found->second.back();
    found->second.pop_back();
    stats_.cached -= size;
  } else {
    memory = std::aligned_alloc(alignment, static_cast<size_t>(size));
    if (!memory) {
      trim_locked();
      memory = std::aligned_alloc(alignment, static_cast<size_t>(size));
    }
    if (!memory)
      throw MemoryError("allocator: the system has no " + std::to_string(bytes) + " bytes left (" +
                        std::to_string(stats_.active) + " in use)");
    ++stats_.system_requests;
  }
  ++stats_.requests;
  stats_.active += size;
  stats_.peak = std::max(stats_.peak, stats_.active);
  return memory;
}

void CachingAllocator::deallocate(void* memory, int64_t bytes) noexcept {
  if (!memory) return;
  int64_t size = size_class(bytes);
  std::lock_guard lock(mutex_);
  stats_.active -= size;
  stats_.cached += size;
  free_[size].push_back(memory);
}

MemoryStats CachingAllocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak = stats_.active;
}

void CachingAllocator::set_limit(int64_t bytes) {
  std::lock_guard lock(mutex_);
  stats_.limit = bytes;
}

void CachingAllocator::trim() {
  std::lock_guard lock(mutex_);
  trim_locked();
}

void CachingAllocator::trim_locked() {
  for (auto& [size, list] : free_) {
    for (void* memory : list) std::free(memory);
    list.clear();
  }
  stats_.cached = 0;
}

}  // namespace weft
