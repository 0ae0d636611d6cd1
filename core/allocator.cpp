#include <weft/core/allocator.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include <sys/mman.h>

#include <weft/core/error.hpp>
#include <weft/core/recycle.hpp>

#if !WEFT_RECYCLES
#include <sanitizer/asan_interface.h>
#endif

namespace weft {
namespace {

constexpr int64_t largest_request = int64_t{1} << 46;
constexpr int64_t huge_page = int64_t{2} << 20, page = 4096;
constexpr int64_t small_size = 64 << 10, most_waiting = int64_t{1} << 20;
constexpr int64_t least_region = int64_t{32} << 20, largest_growth = int64_t{1} << 30;

int64_t round_up(int64_t bytes, int64_t step) { return (bytes + step - 1) / step * step; }

int64_t size_class(int64_t bytes) {
  bytes = std::max<int64_t>(bytes, CachingAllocator::alignment);
  return round_up(bytes, std::max<int64_t>(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))) / 32,
                                           CachingAllocator::alignment));
}

#if WEFT_RECYCLES
constexpr int64_t red_zone = 0;
void forbid(void*, int64_t) {}
void permit(void*, int64_t) {}
#else
constexpr int64_t red_zone = 64;  // after each block, for the sanitizer
void forbid(void* memory, int64_t bytes) { __asan_poison_memory_region(memory, static_cast<size_t>(bytes)); }
void permit(void* memory, int64_t bytes) { __asan_unpoison_memory_region(memory, static_cast<size_t>(bytes)); }
#endif

struct Place {
  int power, step;
};

/// The list of blocks of this size, in bytes, and a little more.
Place place_of(int64_t size) {
  const auto units = static_cast<uint64_t>(size) / 64;
  if (units < 32) return {0, static_cast<int>(units)};
  const int power = std::bit_width(units) - 6;
  return {power + 1, static_cast<int>(units >> power & 31)};
}

void* map(int64_t bytes) {
  void* memory = mmap(nullptr, static_cast<size_t>(bytes + huge_page), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(memory);
  const auto lead = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(begin) & static_cast<uintptr_t>(huge_page - 1));
  if (lead > 0) munmap(begin, static_cast<size_t>(lead));
  if (lead < huge_page) munmap(begin + lead + bytes, static_cast<size_t>(huge_page - lead));
#ifdef MADV_HUGEPAGE
  madvise(begin + lead, static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  return begin + lead;
}

}  // namespace

/// What stands before each block of a region; the blocks fill the region without gaps.
struct alignas(CachingAllocator::alignment) CachingAllocator::Block {
  Region* region;
  Block* before = nullptr;  ///< the neighbour at lower addresses
  int64_t size;             ///< without this header
  bool is_free = false;
  int64_t given_back = 0;                      ///< bytes of a free block that went back to the system
  Block *next = nullptr, *previous = nullptr;  ///< of the free ones in its list

  Block(Region* region, Block* before, int64_t size) : region(region), before(before), size(size) {}
  char* memory() { return reinterpret_cast<char*>(this + 1); }
  Block* after();
};

struct alignas(CachingAllocator::alignment) CachingAllocator::Region {
  Region* next;
  int64_t bytes;
  char* top;  ///< the end of what was ever handed out
  char* end() { return reinterpret_cast<char*>(this) + bytes; }
  Block* first() { return reinterpret_cast<Block*>(this + 1); }
  bool is_free() { return first()->is_free && first()->memory() + first()->size == end(); }
};

CachingAllocator::Block* CachingAllocator::Block::after() {
  char* place = memory() + size;
  return place == region->end() ? nullptr : reinterpret_cast<Block*>(place);
}

/// A spin lock: what it guards takes nanoseconds, save when the system is asked.
class CachingAllocator::Lock {
 public:
  explicit Lock(const CachingAllocator& allocator) : locked_(allocator.locked_) {
    while (locked_.exchange(true, std::memory_order_acquire))
      for (int i = 0; locked_.load(std::memory_order_relaxed); ++i)
        if (i > 100) std::this_thread::yield();
  }
  ~Lock() { locked_.store(false, std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  std::atomic<bool>& locked_;
};

CachingAllocator::~CachingAllocator() { trim(); }

void* CachingAllocator::allocate(int64_t bytes) {
  if (bytes < 0 || bytes > largest_request)
    throw MemoryError("allocator: cannot allocate " + std::to_string(bytes) + " bytes");
  const int64_t size = size_class(bytes);
  Lock lock(*this);
  if (stats_.limit > 0 && stats_.active + size > stats_.limit)
    throw MemoryError("allocator: " + std::to_string(bytes) + " bytes on top of " + std::to_string(stats_.active) +
                      " in use exceed the limit of " + std::to_string(stats_.limit));
  void* memory = take(size + red_zone);
  if (!memory)
    throw MemoryError("allocator: the system has no " + std::to_string(bytes) + " bytes left (" +
                      std::to_string(stats_.active) + " in use)");
  permit(memory, size);
  ++stats_.requests;
  stats_.active += size;
  stats_.peak = std::max(stats_.peak, stats_.active);
  return memory;
}

void* CachingAllocator::take(int64_t size) {
  size = size_class(size);
  if (size < small_size) {
    auto [power, step] = place_of(size);
    if (Block*& first = waiting_[power][step]) {
      Block* block = std::exchange(first, first->next);
      waiting_bytes_ -= block->size;
      stats_.cached -= block->size + alignment;
      return block->memory();
    }
  }
  Block* block = find(size);
  if (!block) {
    merge_waiting();
    block = find(size);
  }
  if (!block) {
    // Free regions that are too small would only add to what the process holds.
    release_free_regions();
    if (!map_region(size)) return nullptr;
    ++stats_.system_requests;
    block = find(size);
  }
  remove(block);
  Region& region = *block->region;
  if (block->size - size >= 2 * alignment) {
    char* place = block->memory() + size;
    permit(place, alignment);
    Block* next = block->after();
    Block* rest = new (place) Block(&region, block, block->size - size - alignment);
    if (next) next->before = rest;
    block->size = size;
    insert(rest);
  }
  char* end = block->memory() + block->size;
  if (end > region.top) {
    stats_.cached += end - region.top;
    region.top = end;
  }
  stats_.cached -= block->size + alignment;
  return block->memory();
}

void CachingAllocator::deallocate(void* memory, int64_t bytes) noexcept {
  if (!memory) return;
  const int64_t size = size_class(bytes);
  Block* block = static_cast<Block*>(memory) - 1;
  Lock lock(*this);
  forbid(memory, size);
  stats_.active -= size;
  stats_.cached += block->size + alignment;
  if (block->size >= small_size || waiting_bytes_ + block->size > most_waiting) return merge(block);
  auto [power, step] = place_of(block->size);
  block->next = std::exchange(waiting_[power][step], block);
  waiting_bytes_ += block->size;
}

void CachingAllocator::merge_waiting() {
  for (auto& list : waiting_)
    for (Block*& first : list)
      while (first) merge(std::exchange(first, first->next));
  waiting_bytes_ = 0;
}

/// Makes a block, with its free neighbours, one of the free ones.
void CachingAllocator::merge(Block* block) {
  if (Block* next = block->after(); next && next->is_free) {
    remove(next);
    block->size += next->size + alignment;
    if (Block* second = block->after()) second->before = block;
  }
  if (Block* before = block->before; before && before->is_free) {
    remove(before);
    before->size += block->size + alignment;
    if (Block* next = block->after()) next->before = before;
    block = before;
  }
  insert(block);
}

/// A free block of at least this size class.
CachingAllocator::Block* CachingAllocator::find(int64_t size) {
  auto [power, step] = place_of(size);
  uint32_t step_bits = step_bits_[power] & ~uint32_t{0} << step;
  if (!step_bits) {
    const uint64_t power_bits = power_bits_ & ~uint64_t{0} << (power + 1);
    if (!power_bits) return nullptr;
    power = std::countr_zero(power_bits);
    step_bits = step_bits_[power];
  }
  return free_[power][std::countr_zero(step_bits)];
}

void CachingAllocator::insert(Block* block) {
  auto [power, step] = place_of(block->size);
  Block*& first = free_[power][step];
  block->is_free = true;
  block->previous = nullptr;
  block->next = first;
  if (first) first->previous = block;
  first = block;
  step_bits_[power] |= uint32_t{1} << step;
  power_bits_ |= uint64_t{1} << power;
}

void CachingAllocator::remove(Block* block) {
  auto [power, step] = place_of(block->size);
  (block->previous ? block->previous->next : free_[power][step]) = block->next;
  if (block->next) block->next->previous = block->previous;
  block->is_free = false;
  stats_.cached += block->given_back;
  block->given_back = 0;
  if (free_[power][step]) return;
  step_bits_[power] &= ~(uint32_t{1} << step);
  if (!step_bits_[power]) power_bits_ &= ~(uint64_t{1} << power);
}

bool CachingAllocator::map_region(int64_t size) {
  const int64_t needed = round_up(size + 2 * alignment, huge_page);
  int64_t bytes = std::max({needed, least_region, std::min(mapped_, largest_growth)});
  void* memory = map(bytes);
  if (!memory) memory = map(bytes = needed);
  if (!memory) return false;
  auto* region = new (memory) Region{regions_, bytes, nullptr};
  region->top = reinterpret_cast<char*>(region->first());
  regions_ = region;
  mapped_ += bytes;
  insert(new (region->first()) Block(region, nullptr, bytes - 2 * alignment));
  return true;
}

void CachingAllocator::release_free_regions() {
  for (Region** link = &regions_; *link;) {
    Region* region = *link;
    if (!region->is_free()) {
      link = &region->next;
      continue;
    }
    remove(region->first());
    stats_.cached -= region->top - reinterpret_cast<char*>(region->first());
    mapped_ -= region->bytes;
    *link = region->next;
    permit(region, region->bytes);
    munmap(region, static_cast<size_t>(region->bytes));
  }
}

MemoryStats CachingAllocator::stats() const {
  Lock lock(*this);
  return stats_;
}

void CachingAllocator::reset_peak() {
  Lock lock(*this);
  stats_.peak = stats_.active;
}

void CachingAllocator::set_limit(int64_t bytes) {
  Lock lock(*this);
  stats_.limit = bytes;
}

void CachingAllocator::trim() {
  Lock lock(*this);
  merge_waiting();
  release_free_regions();
  for (Region* region = regions_; region; region = region->next)
    for (Block* block = region->first(); block; block = block->after()) {
      if (!block->is_free) continue;
      stats_.cached += std::exchange(block->given_back, 0);
      char* end = std::min(block->memory() + block->size, region->top);
      block->given_back = std::max<int64_t>(0, end - reinterpret_cast<char*>(block));
      stats_.cached -= block->given_back;
      // Whole pages alone can go.
      const auto first = static_cast<int64_t>(-reinterpret_cast<uintptr_t>(block->memory()) & (page - 1));
      const int64_t bytes = (block->size - first) / page * page;
      if (bytes > 0) madvise(block->memory() + first, static_cast<size_t>(bytes), MADV_DONTNEED);
    }
}

}  // namespace weft
