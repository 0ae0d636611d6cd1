#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_RECYCLES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_RECYCLES 0
#endif
#endif
#ifndef WEFT_RECYCLES
#define WEFT_RECYCLES 1  // else every object is allocated anew, so that the sanitizer sees uses after their end
#endif

namespace weft {
namespace detail {

/// Free blocks of one thread, in lists by size.
struct RecycleBin {
  static constexpr size_t step = 64, classes = 17;
  void* blocks[classes] = {};
  uint32_t room[classes] = {};  // how many more each list takes
};
extern constinit thread_local RecycleBin recycle_bin;

/// Where the lists have no place left: makes room in this thread's first call, else frees the block.
void recycle_full(void* memory, size_t size_class) noexcept;

}  // namespace detail

/// Memory for the small objects that come and go with every op: tensors' handles, storages, nodes of the tape. What is
/// given back stays with the thread that gave it back, up to some thousands of each size.
inline void* recycled_new(size_t size) {
  using detail::RecycleBin;
  const size_t size_class = (size + RecycleBin::step - 1) / RecycleBin::step;
  if (size_class >= RecycleBin::classes) return ::operator new(size);
  RecycleBin& bin = detail::recycle_bin;
  void* block = bin.blocks[size_class];
  if (!block) return ::operator new(size_class* RecycleBin::step);
  bin.blocks[size_class] = *static_cast<void**>(block);
  ++bin.room[size_class];
  return block;
}

/// `size` as given to recycled_new().
inline void recycled_delete(void* memory, size_t size) noexcept {
  using detail::RecycleBin;
  const size_t size_class = (size + RecycleBin::step - 1) / RecycleBin::step;
  RecycleBin& bin = detail::recycle_bin;
  if (!WEFT_RECYCLES || size_class >= RecycleBin::classes) return ::operator delete(memory);
  if (bin.room[size_class] == 0) return detail::recycle_full(memory, size_class);
  *static_cast<void**>(memory) = bin.blocks[size_class];
  bin.blocks[size_class] = memory;
  --bin.room[size_class];
}

/// Base of classes whose objects are made of recycled memory.
struct Recycled {
  static void* operator new(size_t size) { return recycled_new(size); }
  static void operator delete(void* memory, size_t size) noexcept { recycled_delete(memory, size); }
};

}  // namespace weft
