#include <weft/core/recycle.hpp>

#include <utility>

namespace weft::detail {

constinit thread_local RecycleBin recycle_bin;

namespace {

constexpr uint32_t most_blocks = 4096;
thread_local bool opened = false;

/// Empties the lists when the thread ends; what is given back later is freed at once.
struct Emptier {
  Emptier() {
    for (uint32_t& room : recycle_bin.room) room = most_blocks;
  }
  ~Emptier() {
    for (void*& list : recycle_bin.blocks)
      while (list) ::operator delete(std::exchange(list, *static_cast<void**>(list)));
    for (uint32_t& room : recycle_bin.room) room = 0;
  }
};

}  // namespace

void recycle_full(void* memory, size_t size_class) noexcept {
  if (!std::exchange(opened, true)) {
    static thread_local Emptier emptier;
    static_cast<void>(emptier);
    return recycled_delete(memory, size_class * RecycleBin::step);
  }
  ::operator delete(memory);
}

}  // namespace weft::detail
