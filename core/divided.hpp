#pragma once

#include <cstdint>

#include <weft/core/host_device.hpp>

namespace weft {

struct Divided {
  int64_t whole, rest;
};

/// x / by and x % by of numbers that are not negative; in 32 bits, which cost a fraction of 64, where they fit.
WEFT_HOST_DEVICE inline Divided divided(int64_t x, int64_t by) {
  const int64_t whole = (x | by) >> 31 == 0 ? static_cast<uint32_t>(x) / static_cast<uint32_t>(by) : x / by;
  return {whole, x - whole * by};
}

}  // namespace weft
