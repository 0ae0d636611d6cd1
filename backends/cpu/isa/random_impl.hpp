#pragma once

#include <weft/backends/cpu/isa/philox.hpp>
#include <weft/backends/cpu/isa/random.hpp>

namespace weft::cpu {

template <class Arch> void random_words(const RandomKey& key, uint64_t first, int64_t blocks, uint32_t* out) {
  using Philox = simd::Philox<Arch>;
  using Word = typename Philox::Word;
  constexpr int64_t lanes = Philox::lanes;
  const Word low_half(uint64_t{0xFFFFFFFFu});
  for (int64_t at = 0; at < blocks; at += lanes) {
    Word x[4];
    Philox::draw(key, first + static_cast<uint64_t>(at), x);
    alignas(64) uint64_t front[lanes], back[lanes];
    ((x[0] & low_half) | (x[1] << 32)).store_aligned(front);
    ((x[2] & low_half) | (x[3] << 32)).store_aligned(back);
    const int64_t count = blocks - at < lanes ? blocks - at : lanes;
    for (int64_t i = 0; i < count; ++i) {
      uint32_t* block = out + 4 * (at + i);
      block[0] = static_cast<uint32_t>(front[i]);
      block[1] = static_cast<uint32_t>(front[i] >> 32);
      block[2] = static_cast<uint32_t>(back[i]);
      block[3] = static_cast<uint32_t>(back[i] >> 32);
    }
  }
}

template <class Arch> constexpr RandomKernels make_random_kernels() { return {&random_words<Arch>}; }

}  // namespace weft::cpu
