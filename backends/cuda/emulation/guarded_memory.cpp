#include <weft/backends/cuda/emulation/guarded_memory.hpp>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/mman.h>

#include <weft/core/error.hpp>

namespace weft::cuda::emulation {
namespace {

constexpr int64_t reserved = int64_t{32} << 30;  // addresses, not memory
constexpr int64_t alignment = 64;
constexpr int64_t huge_page = int64_t{2} << 20;  // whole ones are quick to open and close
constexpr int64_t zone = 64;                     // at least so many bytes behind each block are watched
constexpr unsigned char unset = 0xff, untouched = 0xa5;

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/// What a block takes with its zone: eight sizes to each power of two, so that few sizes serve all.
int64_t size_of_block(int64_t bytes) {
  const int64_t least = round_up(bytes + zone, alignment);
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(least)));
  return round_up(least, std::max(alignment, power / 8));
}

}  // namespace

GuardedMemory::GuardedMemory() {
  void* memory =
      mmap(nullptr, static_cast<size_t>(reserved), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw MemoryError("cuda_emulated: the system refuses 32 GiB of addresses");
  const auto address = static_cast<int64_t>(reinterpret_cast<uintptr_t>(memory));
  begin_ = static_cast<unsigned char*>(memory) + (round_up(address, huge_page) - address);
  end_ = reserved - huge_page;
  madvise(begin_, static_cast<size_t>(end_), MADV_HUGEPAGE);
}

void GuardedMemory::protect(int protection) {
  if (used_ > 0) mprotect(begin_, static_cast<size_t>(round_up(used_, huge_page)), protection);
}

void GuardedMemory::open() {
  std::lock_guard lock(mutex_);
  if (openings_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void GuardedMemory::close() {
  std::lock_guard lock(mutex_);
  if (--openings_ == 0) protect(PROT_NONE);
}

void* GuardedMemory::allocate(int64_t bytes) {
  std::lock_guard lock(mutex_);
  if (stats_.limit > 0 && stats_.active + bytes > stats_.limit)
    throw MemoryError("allocator: " + std::to_string(bytes) + " bytes on top of " + std::to_string(stats_.active) +
                      " in use on cuda_emulated, limit " + std::to_string(stats_.limit));
  const int64_t size = size_of_block(bytes);
  std::vector<unsigned char*>& fitting = free_[size];
  unsigned char* block = nullptr;
  if (!fitting.empty()) {
    block = fitting.back();
    fitting.pop_back();
  } else {
    if (used_ + size > end_) throw MemoryError("allocator: cuda_emulated has given out its 32 GiB");
    block = begin_ + used_;
    used_ += size;
  }
  stats_.active += bytes;
  stats_.peak = std::max(stats_.peak, stats_.active);
  ++stats_.requests;
  protect(PROT_READ | PROT_WRITE);
  std::memset(block, unset, static_cast<size_t>(bytes));
  std::memset(block + bytes, untouched, static_cast<size_t>(size - bytes));
  if (openings_ == 0) protect(PROT_NONE);
  return block;
}

void GuardedMemory::deallocate(void* memory, int64_t bytes) noexcept {
  std::lock_guard lock(mutex_);
  auto* block = static_cast<unsigned char*>(memory);
  const int64_t size = size_of_block(bytes);
  protect(PROT_READ | PROT_WRITE);
  for (int64_t i = bytes; i < size; ++i)
    if (block[i] != untouched) {
      std::fprintf(stderr, "cuda_emulated: a kernel wrote %lld bytes behind the end of a tensor of %lld\n",
                   static_cast<long long>(i - bytes), static_cast<long long>(bytes));
      std::abort();
    }
  if (openings_ == 0) protect(PROT_NONE);
  stats_.active -= bytes;
  free_[size].push_back(block);
}

MemoryStats GuardedMemory::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void GuardedMemory::set_limit(int64_t bytes) {
  std::lock_guard lock(mutex_);
  stats_.limit = bytes;
}

GuardedMemory& guarded_memory() {
  static GuardedMemory& instance = *new GuardedMemory;
  return instance;
}

}  // namespace weft::cuda::emulation
