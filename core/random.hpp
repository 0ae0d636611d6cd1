#pragma once

#include <array>
#include <cstdint>

#include <weft/core/host_device.hpp>

namespace weft {

/// Names one draw of random numbers: element i of it is a pure function of (key, stream, counter, i) on every backend.
struct RandomKey {
  uint64_t key = 0;
  uint32_t stream = 0;
  uint32_t counter = 0;
  friend bool operator==(const RandomKey&, const RandomKey&) = default;
};

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
WEFT_HOST_DEVICE inline std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t{0xD2511F53u} * counter[0], b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The four words of elements 4 * block .. 4 * block + 3 of a draw.
WEFT_HOST_DEVICE inline std::array<uint32_t, 4> random_block(const RandomKey& key, uint64_t block) {
  return philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), key.counter, key.stream},
                {static_cast<uint32_t>(key.key), static_cast<uint32_t>(key.key >> 32)});
}

/// 32 random bits of element `index`.
WEFT_HOST_DEVICE inline uint32_t random_bits(const RandomKey& key, uint64_t index) {
  return random_block(key, index / 4)[index % 4];
}

/// Uniform in [0, 1), a multiple of 2^-24, exact in float32.
WEFT_HOST_DEVICE inline float uniform_from_bits(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

/// A dropout mask keeps an element when its (bits >> 8) is at least this.
WEFT_HOST_DEVICE inline uint32_t dropout_threshold(double rate) { return static_cast<uint32_t>(rate * 0x1p24); }

/// A new, independent 64-bit key from a key and a number; for forking streams.
WEFT_HOST_DEVICE inline uint64_t fold_in(uint64_t key, uint64_t number) {
  auto words = philox({static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), 0x77656674u, 0x666f6c64u},
                      {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
  return uint64_t{words[1]} << 32 | words[0];
}

}  // namespace weft
