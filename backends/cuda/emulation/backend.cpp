#include <weft/backends/cuda/emulation/backend.hpp>

#include <weft/backends/cuda/table.hpp>
#include <weft/core/backend.hpp>

namespace weft::cuda {

Device emulated_device() {
  static const Device device = [] {
    auto backend = std::make_unique<HostBackend>("cuda_emulated");
    register_cuda(backend->kernels());
    return register_backend(std::move(backend));
  }();
  return device;
}

}  // namespace weft::cuda
