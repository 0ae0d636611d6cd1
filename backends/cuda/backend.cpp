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

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string why_there_is_none(cudaError_t status) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0) return "no GPU can be used: there is no NVIDIA driver";
  if (driver / 1000 < CUDART_VERSION / 1000)
    return "no GPU can be used: expected a driver for CUDA " + std::to_string(CUDART_VERSION / 1000) +
           " or newer, got one for CUDA " + version_text(driver);
  if (status == cudaSuccess || status == cudaErrorNoDevice) return "no GPU can be used: the driver finds none";
  return std::string("no GPU can be used: ") + cudaGetErrorString(status);
}

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

CudaBackend::CudaBackend() : Backend("cuda") { register_cuda(kernels()); }

CudaBackend::~CudaBackend() {
  for (auto& state : devices_)
    if (cudaStream_t stream = state->stream) cudaStreamDestroy(stream);
}

void CudaBackend::look_for_devices() const {
  std::call_once(looked_, [this] {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess || count == 0) {
      cudaGetLastError();  // an error that is told is over
      unavailable_ = why_there_is_none(status);
      return;
    }
    for (int device = 0; device < count; ++device) devices_.push_back(std::make_unique<DeviceState>());
  });
}

int CudaBackend::device_count() const {
  look_for_devices();
  return static_cast<int>(devices_.size());
}

std::string CudaBackend::unavailable() const {
  look_for_devices();
  return unavailable_;
}

void CudaBackend::start(DeviceState& state, int device) {
  check(cudaSetDevice(device), "cudaSetDevice");
  cudaStream_t stream;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  cudaMemPool_t pool;
  check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool");
  uint64_t keep_all = ~uint64_t{0};
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_all), "cudaMemPoolSetAttribute");
  state.stream = stream;
}

void CudaBackend::make_current(int device) {
  DeviceState& now = state(device);
  cudaStream_t stream = now.stream;
  if (stream && stream_of_thread == stream) return;
  std::call_once(now.begin, start, now, device);
  check(cudaSetDevice(device), "cudaSetDevice");
  stream_of_thread = now.stream;
}

void* CudaBackend::allocate(int64_t bytes, int device) {
  if (bytes == 0) return nullptr;
  make_current(device);
  DeviceState& state = this->state(device);
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
  DeviceState& state = this->state(device);
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
  const DeviceState& state = this->state(device);
  MemoryStats stats;
  stats.active = state.in_use;
  stats.peak = state.peak;
  stats.limit = state.limit;
  stats.requests = state.allocations;
  cudaMemPool_t pool;
  uint64_t reserved = 0;
  if (state.stream.load() && cudaDeviceGetDefaultMemPool(&pool, device) == cudaSuccess &&
      cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved) == cudaSuccess)
    stats.cached = static_cast<int64_t>(reserved) - stats.active;
  return stats;
}

void CudaBackend::set_memory_limit(int64_t bytes, int device) { state(device).limit = bytes; }

std::unique_ptr<Backend> make_cuda_backend() { return std::make_unique<CudaBackend>(); }

}  // namespace weft::cuda
