#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include <cuda_runtime_api.h>

#include <weft/core/backend.hpp>

namespace weft::cuda {

/// NVIDIA GPUs. Every device has one stream, on which its kernels, copies and allocations follow each other; results
/// are waited for where host code reads them. Memory comes from the driver's stream-ordered pool, which keeps what is
/// freed. Nothing is asked of the driver before somebody asks for a device, and of a device before it is used: a
/// program that computes elsewhere neither waits for a GPU nor fails with one.
class CudaBackend final : public Backend {
 public:
  CudaBackend();
  ~CudaBackend() override;

  int device_count() const override;
  std::string unavailable() const override;
  bool is_host() const override { return false; }
  void make_current(int device) override;
  void* allocate(int64_t bytes, int device) override;
  void deallocate(void* memory, int64_t bytes, int device) noexcept override;
  void copy_to_host(void* host, const void* memory, int64_t bytes, int device) override;
  void copy_from_host(void* memory, const void* host, int64_t bytes, int device) override;
  void copy_elements(const Tensor& source, Tensor& target) override;
  void synchronize(int device) override;
  MemoryStats memory_stats(int device) const override;
  void set_memory_limit(int64_t bytes, int device) override;

 private:
  struct DeviceState {
    std::once_flag begin;
    std::atomic<cudaStream_t> stream{nullptr};  ///< null until the device is used
    std::atomic<int64_t> in_use{0}, peak{0}, limit{0}, allocations{0};
  };

  void look_for_devices() const;
  DeviceState& state(int device) const { return *devices_[static_cast<size_t>(device)]; }
  static void start(DeviceState& state, int device);

  mutable std::once_flag looked_;
  mutable std::vector<std::unique_ptr<DeviceState>> devices_;
  mutable std::string unavailable_;
};

}  // namespace weft::cuda
