#include <weft/backends/cpu/table.hpp>
#include <weft/backends/reference/table.hpp>
#ifdef WEFT_HAS_CUDA
#include <weft/backends/cuda/table.hpp>
#endif
#include <weft/core/backend.hpp>

namespace weft {

std::vector<std::unique_ptr<Backend>> built_in_backends() {
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(std::make_unique<HostBackend>("cpu"));
  register_cpu(backends.back()->kernels());
  backends.push_back(std::make_unique<HostBackend>("reference"));
  register_reference(backends.back()->kernels());
#ifdef WEFT_HAS_CUDA
  backends.push_back(cuda::make_cuda_backend());
#endif
  return backends;
}

}  // namespace weft
