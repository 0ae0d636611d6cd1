// Adds two numbers on the device that is named: what without_driver.sh runs.

#include <cstdio>
#include <exception>

#include <weft/autograd/ops/binary.hpp>
#include <weft/core/device.hpp>
#include <weft/core/tensor.hpp>

int main(int argc, char** argv) try {
  weft::set_default_device(weft::Device(argc > 1 ? argv[1] : "cpu"));
  std::printf("%g\n", (weft::Tensor(1.5f) + weft::Tensor(2.0f)).item());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
