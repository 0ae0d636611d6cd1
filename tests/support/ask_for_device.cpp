// Adds two numbers on the device that is named: what without_driver.sh runs. With --libraries it says which of CUDA's
// libraries are found.

#include <cstdio>
#include <exception>
#include <string_view>

#include <weft/autograd/ops/binary.hpp>
#include <weft/backends/cuda/libraries.hpp>
#include <weft/core/device.hpp>
#include <weft/core/tensor.hpp>

int main(int argc, char** argv) try {
  if (argc > 1 && std::string_view(argv[1]) == "--libraries") {
    std::printf("%s\n", weft::cuda::cuda_libraries().c_str());
    return 0;
  }
  weft::set_default_device(weft::Device(argc > 1 ? argv[1] : "cpu"));
  std::printf("%g\n", (weft::Tensor(1.5f) + weft::Tensor(2.0f)).item());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
