#include <weft/backends/cpu/table.hpp>
#include <weft/backends/reference/table.hpp>
#include <weft/core/backend.hpp>

namespace weft {

std::vector<std::unique_ptr<Backend>> built_in_backends() {
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(std::make_unique<HostBackend>("cpu"));
  register_cpu(backends.back()->kernels());
  backends.push_back(std::make_unique<HostBackend>("reference"));
  register_reference(backends.back()->kernels());
  return backends;
}

}  // namespace weft
