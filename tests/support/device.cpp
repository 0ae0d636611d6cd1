// Runs a test program's tests on the device that WEFT_TEST_DEVICE names, instead of the cpu; those compiled with
// WEFT_TESTS_ON_GRID run on the emulated GPU.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <weft/core/device.hpp>
#ifdef WEFT_TESTS_ON_GRID
#include <weft/backends/cuda/emulation/backend.hpp>
#endif

namespace {

const bool placed = [] {
  try {
#ifdef WEFT_TESTS_ON_GRID
    weft::set_default_device(weft::cuda::emulated_device());
#endif
    if (const char* name = std::getenv("WEFT_TEST_DEVICE")) weft::set_default_device(weft::Device(name));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "WEFT_TEST_DEVICE: %s\n", error.what());
    std::exit(1);
  }
  return true;
}();

}  // namespace
