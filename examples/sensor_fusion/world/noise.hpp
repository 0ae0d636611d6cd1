#pragma once

#include <cstdint>

#include <weft/training/random_sequence.hpp>

namespace weft::examples::fusion::world {

/// About normal, mean 0 and variance 1, within +-3.47: the sum of four uniforms from 64 bits (Irwin and Hall), exact on
/// every platform.
inline double normal_of(RandomSequence& random) {
  uint32_t a = random.bits(), b = random.bits();
  int64_t sum = static_cast<int64_t>(a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16);
  return static_cast<double>(sum - 2 * 65535) * (1.7320508075688772 / 65536);
}

/// A number of photons when `mean` are expected (Poisson, by inversion; normal from 30 on).
double poisson_of(double mean, RandomSequence& random);

/// A hash of a cell of a grid to [0, 1), for textures that cover the ground.
inline double cell_noise(int64_t x, int64_t y, uint32_t seed) {
  uint32_t h = static_cast<uint32_t>(x) * 0x8DA6B343u ^ static_cast<uint32_t>(y) * 0xD8163841u ^ seed;
  h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
  h = (h ^ (h >> 12)) * 0x297A2D39u;
  return static_cast<double>((h ^ (h >> 15)) >> 8) * 0x1p-24;
}

}  // namespace weft::examples::fusion::world
