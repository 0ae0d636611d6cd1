#pragma once

#include <weft/backends/cpu/isa/bits.hpp>
#include <weft/backends/cpu/isa/philox.hpp>
#include <weft/backends/cpu/isa/random.hpp>

namespace weft::cpu {

/// `ways` times as many blocks as lanes, in order.
template <class Arch, int ways>
WEFT_SIMD_INLINE void random_words_at(const RandomKey& key, uint64_t first, uint32_t* out) {
  using Philox = simd::Philox<Arch>;
  using Word = typename Philox::Word;
  using Pair = simd::Vec<double, Arch>;  // two words in one lane, moved about and never looked at
  using Register = typename Pair::Register;
  constexpr int lanes = Philox::lanes;
  const Word low_half(uint64_t{0xFFFFFFFFu});
  uint64_t from[ways];
  for (int w = 0; w < ways; ++w) from[w] = first + static_cast<uint64_t>(w * lanes);
  Word x[ways][4];
  Philox::template draw<ways>(key, from, x);
#pragma GCC unroll 4
  for (int w = 0; w < ways; ++w) {
    const Word front = (x[w][0] & low_half) | (x[w][1] << 32), back = (x[w][2] & low_half) | (x[w][3] << 32);
    const Register a = xsimd::bitwise_cast<xsimd::batch<double, Arch>>(front),
                   b = xsimd::bitwise_cast<xsimd::batch<double, Arch>>(back);
    uint32_t* to = out + 4 * w * lanes;
    Pair(simd::raw::zip_low(a, b)).store(reinterpret_cast<double*>(to));
    Pair(simd::raw::zip_high(a, b)).store(reinterpret_cast<double*>(to + 2 * lanes));
  }
}

template <class Arch> void random_words(const RandomKey& key, uint64_t first, int64_t blocks, uint32_t* out) {
  constexpr int64_t lanes = simd::Philox<Arch>::lanes;
  int64_t at = 0;
  for (; at + 4 * lanes <= blocks; at += 4 * lanes)
    random_words_at<Arch, 4>(key, first + static_cast<uint64_t>(at), out + 4 * at);
  for (; at < blocks; at += lanes) {
    alignas(64) uint32_t words[4 * lanes];
    random_words_at<Arch, 1>(key, first + static_cast<uint64_t>(at), words);
    const int64_t count = 4 * (blocks - at < lanes ? blocks - at : lanes);
    for (int64_t i = 0; i < count; ++i) out[4 * at + i] = words[i];
  }
}

/// Calls f(upper 24 bits as numbers, offset, lanes) for vectors of elements, drawn a near cache's worth at a time.
template <class T, class Arch, class F>
WEFT_SIMD_INLINE void for_each_draw(const RandomKey& key, uint64_t first, int64_t n, F&& f) {
  using V = simd::Vec<T, Arch>;
  constexpr int64_t chunk = 1024;
  alignas(64) uint32_t words[chunk];
  for (int64_t at = 0; at < n; at += chunk) {
    const int64_t count = n - at < chunk ? n - at : chunk;
    random_words<Arch>(key, first + static_cast<uint64_t>(at / 4), (count + 3) / 4, words);
    for (int64_t i = count; i < (count + V::size - 1) / V::size * V::size; ++i) words[i] = 0;
    for (int64_t i = 0; i < count; i += V::size) {
      typename V::Register numbers;
      simd::raw::load_upper_24(words + i, numbers);
      f(V(numbers), at + i, static_cast<int>(count - i < V::size ? count - i : V::size));
    }
  }
}

template <class T, class Arch>
void random_dropout(const RandomKey& key, uint64_t first, int64_t n, uint32_t threshold, T scale, const T* x, T* y) {
  using V = simd::Vec<T, Arch>;
  const V least(static_cast<T>(threshold)), factor(scale), zero(T(0));
  for_each_draw<T, Arch>(
      key, first, n, [&](V numbers, int64_t at, int lanes) __attribute__((always_inline)) {
        if (lanes == V::size) select(numbers >= least, V::load(x + at) * factor, zero).store(y + at);
        else select(numbers >= least, V::load(x + at, lanes) * factor, zero).store(y + at, lanes);
      });
}

template <class T, class Arch>
void random_uniform(const RandomKey& key, uint64_t first, int64_t n, double low, double span, T most, T* y) {
  using V = simd::Vec<T, Arch>;
  using W = simd::Vec<double, Arch>;
  const W start(low), range(span), unit(0x1p-24);
  for_each_draw<T, Arch>(
      key, first, n, [&](V numbers, int64_t at, int lanes) __attribute__((always_inline)) {
        V value;
        if constexpr (sizeof(T) == sizeof(float)) {
          typename W::Register front, back;
          simd::raw::widen(typename V::Register(numbers), front, back);
          const W a = start + range * (W(front) * unit), b = start + range * (W(back) * unit);
          value = simd::raw::narrow(typename W::Register(a), typename W::Register(b));
        } else {
          value = start + range * (numbers * unit);
        }
        min(value, V(most)).store(y + at, lanes);
      });
}

template <class Arch> constexpr RandomKernels make_random_kernels() {
  return {&random_words<Arch>,
          {&random_dropout<float, Arch>, &random_uniform<float, Arch>},
          {&random_dropout<double, Arch>, &random_uniform<double, Arch>}};
}

}  // namespace weft::cpu
