#pragma once

#include <cstring>

#include <weft/backends/cpu/isa/registers.hpp>

namespace weft::simd::raw {

/// Bit i: byte i is not 0. For 64 bytes.
#if defined(__AVX512BW__)
WEFT_SIMD_INLINE uint64_t nonzero_bytes(const uint8_t* bytes) {
  const __m512i x = _mm512_loadu_si512(bytes);
  return _mm512_test_epi8_mask(x, x);
}
#elif defined(__AVX2__)
WEFT_SIMD_INLINE uint64_t nonzero_bytes(const uint8_t* bytes) {
  auto zeros = [](const uint8_t* at) __attribute__((always_inline)) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_setzero_si256())));
  };
  return ~(uint64_t{zeros(bytes)} | uint64_t{zeros(bytes + 32)} << 32);
}
#elif defined(__x86_64__)
WEFT_SIMD_INLINE uint64_t nonzero_bytes(const uint8_t* bytes) {
  uint64_t zeros = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * i));
    zeros |= static_cast<uint64_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128()))) << (16 * i);
  }
  return ~zeros;
}
#else
WEFT_SIMD_INLINE uint64_t nonzero_bytes(const uint8_t* bytes) {
  constexpr uint64_t low = 0x7F7F7F7F7F7F7F7Full;
  uint64_t bits = 0;
  for (int i = 0; i < 64; i += 8) {
    uint64_t x;
    std::memcpy(&x, bytes + i, 8);
    x = ((((x & low) + low) | x) & ~low) >> 7;
    bits |= ((x * 0x0102040810204080ull) >> 56) << i;
  }
  return bits;
}
#endif

/// The same for `count` <= 64 bytes that are `stride` apart.
WEFT_SIMD_INLINE uint64_t nonzero_bytes(const uint8_t* bytes, int64_t count, int64_t stride) {
  if (stride == 1 && count == 64) return nonzero_bytes(bytes);
  uint8_t gathered[64] = {};
  if (stride == 1) std::memcpy(gathered, bytes, static_cast<size_t>(count));
  else
    for (int64_t i = 0; i < count; ++i) gathered[i] = bytes[i * stride];
  return nonzero_bytes(gathered);
}

}  // namespace weft::simd::raw
