#include <weft/backends/cpu/scratch.hpp>

#include <cstdlib>
#include <string>

#include <weft/core/error.hpp>

namespace weft::cpu {
namespace {

struct Buffers {
  struct Buffer {
    void* memory = nullptr;
    int64_t bytes = 0;
  } buffers[static_cast<int>(ScratchUse::count)];
  ~Buffers() {
    for (Buffer& buffer : buffers) std::free(buffer.memory);
  }
};
thread_local Buffers thread_buffers;

}  // namespace

void* scratch_bytes(ScratchUse use, int64_t bytes) {
  auto& buffer = thread_buffers.buffers[static_cast<int>(use)];
  if (buffer.bytes < bytes || !buffer.memory) {
    std::free(buffer.memory);
    const int64_t rounded = (bytes + bytes / 4 + 4096) / 64 * 64;
    buffer.memory = std::aligned_alloc(64, static_cast<size_t>(rounded));
    buffer.bytes = buffer.memory ? rounded : 0;
    if (!buffer.memory) throw MemoryError("kernel scratch: expected " + std::to_string(rounded) + " bytes, got none");
  }
  return buffer.memory;
}

}  // namespace weft::cpu
