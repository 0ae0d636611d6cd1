#pragma once

#include <cstdint>

#include <weft/core/device.hpp>

namespace slow_cpu {

/// How often the kernels that are written here ran.
struct Counts {
  int64_t add = 0, matmul = 0;
};

/// Registers the backend `slow_cpu` and returns its device. Throws DeviceError when it is there already.
weft::Device register_backend();
Counts counts();

}  // namespace slow_cpu
