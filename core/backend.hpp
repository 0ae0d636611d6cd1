#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <weft/core/allocator.hpp>
#include <weft/core/device.hpp>
#include <weft/core/kernel_table.hpp>

namespace weft {

/// Allocates, copies, synchronises, and offers a table of kernels. A primitive without a kernel runs as its composed
/// form, so a new backend starts with the base kernels alone (docs/adding_a_backend.md).
class Backend {
 public:
  explicit Backend(std::string name) : name_(std::move(name)) {}
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  const std::string& name() const { return name_; }
  KernelTable& kernels() { return kernels_; }
  const KernelTable& kernels() const { return kernels_; }

  virtual int device_count() const { return 1; }
  /// Why there is no device: what Device("name") then says.
  virtual std::string unavailable() const { return "it has no devices"; }
  /// Whether the memory may be read and written directly by host code.
  virtual bool is_host() const { return true; }
  /// Called before kernels run on `device` from this thread.
  virtual void make_current(int device) { static_cast<void>(device); }
  /// Throws MemoryError. The memory is aligned to at least 64 bytes; 0 bytes are valid.
  virtual void* allocate(int64_t bytes, int device) = 0;
  virtual void deallocate(void* memory, int64_t bytes, int device) noexcept = 0;
  virtual void copy_to_host(void* host, const void* memory, int64_t bytes, int device) = 0;
  virtual void copy_from_host(void* memory, const void* host, int64_t bytes, int device) = 0;
  /// Copies elements between tensors of one shape on one device of this backend, of any strides and element types; for
  /// memory that host code may not touch.
  virtual void copy_elements(const Tensor& source, Tensor& target);
  virtual void synchronize(int device) { static_cast<void>(device); }
  virtual MemoryStats memory_stats(int device) const = 0;
  /// Most bytes that may be in use; 0 lifts the limit.
  virtual void set_memory_limit(int64_t bytes, int device) = 0;

 private:
  std::string name_;
  KernelTable kernels_;
};

/// A backend in host memory: the caching allocator and memcpy. `cpu`, `reference` and many a user's own derive from it.
class HostBackend : public Backend {
 public:
  using Backend::Backend;
  void* allocate(int64_t bytes, int) override { return allocator_.allocate(bytes); }
  void deallocate(void* memory, int64_t bytes, int) noexcept override { allocator_.deallocate(memory, bytes); }
  void copy_to_host(void* host, const void* memory, int64_t bytes, int) override;
  void copy_from_host(void* memory, const void* host, int64_t bytes, int) override;
  MemoryStats memory_stats(int) const override { return allocator_.stats(); }
  void set_memory_limit(int64_t bytes, int) override { allocator_.set_limit(bytes); }

 private:
  CachingAllocator allocator_;
};

/// The backends of this build, `cpu` first, each with its table filled; defined in backends/register.cpp.
std::vector<std::unique_ptr<Backend>> built_in_backends();

/// Adds a backend under its name and returns its first device. Throws DeviceError when the name is taken.
Device register_backend(std::unique_ptr<Backend> backend);
/// The names of all backends, `cpu` first.
std::vector<std::string> backend_names();

/// Statistics of one device's memory, and its limit.
MemoryStats memory_stats(Device device = default_device());
void set_memory_limit(int64_t bytes, Device device = default_device());

}  // namespace weft
