#include <weft/backends/cuda/backend.hpp>

#include <algorithm>

#include <weft/autograd/ops/cast.hpp>
#include <weft/backends/cuda/stream.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/error.hpp>
#include <weft/core/tensor.hpp>

namespace weft::cuda {
namespace {

/// Throws DeviceError naming the call and CUDA's own words.
void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw DeviceError(std::string("cuda: ") + what + ": " + cudaGetErrorString(status));
}

thread_local cudaStream_t stream_of_thread = nullptr;

void raise(std::atomic<int64_t>& peak, int64_t value) {
  int64_t known = peak.load();
  while (known < value && !peak.compare_exchange_weak(known, value)) {}
}

}  // namespace

cudaStream_t current_stream() { return stream_of_thread; }

void note_launch(const char* what) {
  cudaError_t status = cudaPeekAtLastError();
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "cuda: %s: %s\n", what, cudaGetErrorString(status));
  std::abort();
}

CudaBackend::CudaBackend() : Backend("cuda") {
  register_cuda(kernels());
  int count = 0;
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    unavailable_ =
        status == cudaSuccess ? "there is no GPU" : std::string("no GPU can be used: ") + cudaGetErrorString(status);
    return;
  }
  for (int device = 0; device < count; ++device) {
    check(cudaSetDevice(device), "cudaSetDevice");
    auto state = std::make_unique<DeviceState>();
    check(cudaStreamCreateWithFlags(&state->stream, cudaStreamNonBlocking), "cudaStreamCreate");
    cudaMemPool_t pool;
    check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool");
    uint64_t keep_all = ~uint64_t{0};
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_all), "cudaMemPoolSetAttribute");
    devices_.push_back(std::move(state));
  }
}

CudaBackend::~CudaBackend() {
  for (auto& state : devices_) cudaStreamDestroy(state->stream);
}

void CudaBackend::make_current(int device) {
  cudaStream_t stream = devices_[static_cast<size_t>(device)]->stream;
  if (stream_of_thread == stream) return;
  check(cudaSetDevice(device), "cudaSetDevice");
  stream_of_thread = stream;
}

void* CudaBackend::allocate(int64_t bytes, int device) {
  if (bytes == 0) return nullptr;
  make_current(device);
  DeviceState& state = *devices_[static_cast<size_t>(device)];
  const int64_t limit = state.limit, in_use = state.in_use += bytes;
  void* memory = nullptr;
  cudaError_t status = limit > 0 && in_use > limit ? cudaErrorMemoryAllocation
                                                   : cudaMallocAsync(&memory, static_cast<size_t>(bytes), state.stream);
  if (status != cudaSuccess) {
    state.in_use -= bytes;
    cudaGetLastError();  // an error that was told is over
    throw MemoryError("allocator: " + std::to_string(bytes) + " bytes on top of " + std::to_string(in_use - bytes) +
                      " in use on cuda:" + std::to_string(device) +
                      (limit > 0 ? ", limit " + std::to_string(limit) : std::string()) + ": " +
                      cudaGetErrorString(status));
  }
  raise(state.peak, in_use);
  ++state.allocations;
  return memory;
}

void CudaBackend::deallocate(void* memory, int64_t bytes, int device) noexcept {
  if (!memory) return;
  DeviceState& state = *devices_[static_cast<size_t>(device)];
  cudaFreeAsync(memory, state.stream);
  state.in_use -= bytes;
}

void CudaBackend::copy_to_host(void* host, const void* memory, int64_t bytes, int device) {
  if (bytes == 0) return;
  make_current(device);
  check(cudaMemcpyAsync(host, memory, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, stream_of_thread),
        "copy to the host");
  check(cudaStreamSynchronize(stream_of_thread), "copy to the host");
}

void CudaBackend::copy_from_host(void* memory, const void* host, int64_t bytes, int device) {
  if (bytes == 0) return;
  make_current(device);
  // From pageable memory this returns when the source has been read.
  check(cudaMemcpyAsync(memory, host, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream_of_thread),
        "copy from the host");
}

void CudaBackend::copy_elements(const Tensor& source, Tensor& target) {
  make_current(target.device().index());
  copy_strided(source, target);
}

void CudaBackend::synchronize(int device) {
  make_current(device);
  check(cudaStreamSynchronize(stream_of_thread), "synchronize");
}

MemoryStats CudaBackend::memory_stats(int device) const {
  const DeviceState& state = *devices_[static_cast<size_t>(device)];
  MemoryStats stats;
  stats.active = state.in_use;
  stats.peak = state.peak;
  stats.limit = state.limit;
  stats.requests = state.allocations;
  cudaMemPool_t pool;
  uint64_t reserved = 0;
  if (cudaDeviceGetDefaultMemPool(&pool, device) == cudaSuccess &&
      cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved) == cudaSuccess)
    stats.cached = static_cast<int64_t>(reserved) - stats.active;
  return stats;
}

void CudaBackend::set_memory_limit(int64_t bytes, int device) { devices_[static_cast<size_t>(device)]->limit = bytes; }

std::unique_ptr<Backend> make_cuda_backend() { return std::make_unique<CudaBackend>(); }

}  // namespace weft::cuda
