#include <weft/backends/cuda/emulation/backend.hpp>

#include <cstring>

#include <weft/backends/cuda/emulation/guarded_memory.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/tensor.hpp>

namespace weft::cuda {
namespace {

using emulation::guarded_memory, emulation::OpenMemory;

class EmulatedBackend final : public Backend {
 public:
  EmulatedBackend() : Backend("cuda_emulated") { register_cuda(kernels()); }

  bool is_host() const override { return false; }
  void* allocate(int64_t bytes, int) override { return guarded_memory().allocate(bytes); }
  void deallocate(void* memory, int64_t bytes, int) noexcept override { guarded_memory().deallocate(memory, bytes); }
  void copy_to_host(void* host, const void* memory, int64_t bytes, int) override { copy(host, memory, bytes); }
  void copy_from_host(void* memory, const void* host, int64_t bytes, int) override { copy(memory, host, bytes); }
  void copy_elements(const Tensor& source, Tensor& target) override { copy_strided(source, target); }
  MemoryStats memory_stats(int) const override { return guarded_memory().stats(); }
  void set_memory_limit(int64_t bytes, int) override { guarded_memory().set_limit(bytes); }

 private:
  static void copy(void* to, const void* from, int64_t bytes) {
    OpenMemory open;
    if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
  }
};

}  // namespace

Device emulated_device() {
  static const Device device = register_backend(std::make_unique<EmulatedBackend>());
  return device;
}

}  // namespace weft::cuda
