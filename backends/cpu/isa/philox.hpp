#pragma once

// Philox4x32-10 of core/random.hpp, several blocks at a time. A 64-bit lane holds one 32-bit number in its low half;
// what stands in the high half is never read.

#include <cstdint>

#include <weft/backends/cpu/isa/registers.hpp>
#include <weft/core/random.hpp>

namespace weft::simd {

namespace raw {
/// The products of the lanes' low halves.
#if defined(__x86_64__)
WEFT_SIMD_INLINE __m128i multiply_low_halves(__m128i a, __m128i b) { return _mm_mul_epu32(a, b); }
#if defined(__AVX2__)
WEFT_SIMD_INLINE __m256i multiply_low_halves(__m256i a, __m256i b) { return _mm256_mul_epu32(a, b); }
#endif
#if defined(__AVX512F__)
WEFT_SIMD_INLINE __m512i multiply_low_halves(__m512i a, __m512i b) { return _mm512_mul_epu32(a, b); }
#endif
#elif defined(__aarch64__)
WEFT_SIMD_INLINE uint64x2_t multiply_low_halves(uint64x2_t a, uint64x2_t b) {
  return vmull_u32(vmovn_u64(a), vmovn_u64(b));
}
#endif
}  // namespace raw

/// Draws `lanes` blocks of four words at a time.
template <class Arch> struct Philox {
  using Word = xsimd::batch<uint64_t, Arch>;
  static constexpr int lanes = static_cast<int>(Word::size);

  static WEFT_SIMD_INLINE Word multiply(Word a, Word b) {
    using Register = typename Word::register_type;
    return Word(raw::multiply_low_halves(Register(a), Register(b)));
  }

  /// `ways` draws side by side, to hide the latency of the products: word j of block first[w] + i is the low half of
  /// lane i of out[w][j].
  template <int ways>
  static WEFT_SIMD_INLINE void draw(const RandomKey& key, const uint64_t (&first)[ways], Word (&out)[ways][4]) {
#pragma GCC unroll 4
    for (int w = 0; w < ways; ++w) {
      alignas(64) constexpr uint64_t places[8] = {0, 1, 2, 3, 4, 5, 6, 7};
      out[w][0] = Word(first[w]) + Word::load_aligned(places);
      out[w][1] = out[w][0] >> 32;
      out[w][2] = Word(uint64_t{key.counter});
      out[w][3] = Word(uint64_t{key.stream});
    }
    const Word m0(uint64_t{0xD2511F53u}), m1(uint64_t{0xCD9E8D57u});
    uint32_t k0 = static_cast<uint32_t>(key.key), k1 = static_cast<uint32_t>(key.key >> 32);
    for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
      for (int w = 0; w < ways; ++w) {
        Word a = multiply(out[w][0], m0), b = multiply(out[w][2], m1);
        out[w][0] = (b >> 32) ^ out[w][1] ^ Word(uint64_t{k0});
        out[w][1] = b;
        out[w][2] = (a >> 32) ^ out[w][3] ^ Word(uint64_t{k1});
        out[w][3] = a;
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }

  /// Word j of block first + i is the low half of lane i of out[j].
  static WEFT_SIMD_INLINE void draw(const RandomKey& key, uint64_t first, Word (&out)[4]) {
    const uint64_t from[1] = {first};
    Word words[1][4];
    draw<1>(key, from, words);
    for (int j = 0; j < 4; ++j) out[j] = words[0][j];
  }

  /// Dropout's mask: bit i of bits[w] says whether element first[w] + i is kept. `count` is at most 64 * words - 3.
  template <int ways, int words>
  static WEFT_SIMD_INLINE void keep_bits(const RandomKey& key, uint32_t threshold, const uint64_t (&first)[ways],
                                         int count, uint64_t (&bits)[ways][words]) {
    constexpr int step = 4 * lanes;
    const Word low_half(uint64_t{0xFFFFFFFFu}), least(uint64_t{threshold} << 8), one(uint64_t{1});
    int end = count;
    uint64_t block[ways];
    for (int w = 0; w < ways; ++w) {
      block[w] = first[w] / 4;
      int offset = static_cast<int>(first[w] % 4);
      if (offset + count > end) end = offset + count;
      for (uint64_t& word : bits[w]) word = 0;
    }
    for (int at = 0; at < end; at += step) {
      Word x[ways][4];
      draw<ways>(key, block, x);
#pragma GCC unroll 4
      for (int w = 0; w < ways; ++w) {
        block[w] += lanes;
        Word kept(uint64_t{0});
        // The difference is negative where the number is below the threshold.
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) kept = kept | (((((x[w][j] & low_half) - least) >> 63) ^ one) << j);
        alignas(64) uint64_t nibbles[lanes];
        kept.store_aligned(nibbles);
        uint64_t all = 0;
#pragma GCC unroll 8
        for (int i = 0; i < lanes; ++i) all |= nibbles[i] << (4 * i);
        bits[w][at / 64] |= all << (at % 64);
      }
    }
    for (int w = 0; w < ways; ++w) {
      const int offset = static_cast<int>(first[w] % 4);
      for (int i = 0; offset != 0 && i < words; ++i)
        bits[w][i] = (bits[w][i] >> offset) | (i + 1 < words ? bits[w][i + 1] << (64 - offset) : 0);
    }
  }
};

}  // namespace weft::simd
