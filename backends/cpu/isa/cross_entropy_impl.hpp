#pragma once

#include <weft/backends/cpu/isa/simd_math.hpp>

namespace weft::cpu {

/// What one pass over a row of logits finds out: its largest element, the sum of exp(x - largest), and the sum of
/// x - largest.
template <class T> struct LogitSums { T largest, total, distance; };

/// Blocks of the near cache: each one's maximum, then its exponentials; what was summed before moves along when the
/// maximum grows. A row of one block is the usual two passes.
template <bool distances, class T, class Arch> WEFT_SIMD_INLINE LogitSums<T> logit_sums(const T* x, int64_t n) {
  using V = simd::Vec<T, Arch>;
  constexpr int64_t block = 4096;
  constexpr T infinity = static_cast<T>(__builtin_huge_val());
  LogitSums<T> sums{-infinity, T(0), T(0)};
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t count = n - begin < block ? n - begin : block;
    const T* at = x + begin;
    V most[4];
    for (V& m : most) m = V(-infinity);
    int64_t i = 0;
    for (; i + 4 * V::size <= count; i += 4 * V::size)
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) most[p] = maximum(most[p], V::load(at + i + p * V::size));
    for (; i < count; i += V::size)
      most[0] = maximum(most[0], V::load(at + i, static_cast<int>(count - i < V::size ? count - i : V::size), most[0]));
    const V top = maximum(maximum(maximum(most[0], most[1]), maximum(most[2], most[3])), V(sums.largest));
    const T largest = first(simd::fold_lanes(
        top, [](V a, V b) __attribute__((always_inline)) { return maximum(a, b); }));
    if (largest != sums.largest && begin > 0) {
      // All that came before was -inf when the difference is not finite, and counts nothing.
      sums.total = sums.largest == -infinity ? T(0) : sums.total * first(exp(V(sums.largest - largest)));
      sums.distance += (sums.largest - largest) * static_cast<T>(begin);
    }
    sums.largest = largest;
    // A block of nothing but -inf adds 0, and it is NaN in the end when there is no other.
    const V shift(largest == -infinity ? T(0) : largest), low(-infinity);
    V total[4], distance[4];
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) total[p] = V(T(0)), distance[p] = V(T(0));
    for (i = 0; i + 4 * V::size <= count; i += 4 * V::size)
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) {
        const V d = V::load(at + i + p * V::size) - shift;
        total[p] += exp_nonpositive(d);
        if constexpr (distances) distance[p] += d;
      }
    for (; i < count; i += V::size) {
      const int lanes = static_cast<int>(count - i < V::size ? count - i : V::size);
      total[0] += exp_nonpositive(V::load(at + i, lanes, low) - shift);
      if constexpr (distances) distance[0] += V::load(at + i, lanes, shift) - shift;
    }
    sums.total += simd::reduce_add((total[0] + total[1]) + (total[2] + total[3]));
    if constexpr (distances)
      sums.distance += simd::reduce_add((distance[0] + distance[1]) + (distance[2] + distance[3]));
  }
  return sums;
}

template <class T, class Arch> T cross_entropy_row(const T* x, int64_t n, int64_t label, T smoothing) {
  using V = simd::Vec<T, Arch>;
  if (label < 0 || label >= n) return static_cast<T>(__builtin_nan(""));
  const LogitSums<T> sums = smoothing == T(0) ? logit_sums<false, T, Arch>(x, n) : logit_sums<true, T, Arch>(x, n);
  const T log_total = first(log(V(sums.total))), picked = x[label] - sums.largest;
  if (smoothing == T(0)) return log_total - picked;
  return log_total - (T(1) - smoothing) * picked - smoothing * (sums.distance / static_cast<T>(n));
}

template <class T, class Arch>
void cross_entropy_grad_row(const T* x, int64_t n, int64_t label, T smoothing, T d_loss, T* result) {
  using V = simd::Vec<T, Arch>;
  if (label < 0 || label >= n) d_loss = static_cast<T>(__builtin_nan(""));
  const LogitSums<T> sums = logit_sums<false, T, Arch>(x, n);
  const V shift(sums.largest), factor(d_loss / sums.total), other(smoothing / static_cast<T>(n) * d_loss);
  int64_t i = 0;
  for (; i + 4 * V::size <= n; i += 4 * V::size)
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p)
      (exp_nonpositive(V::load(x + i + p * V::size) - shift) * factor - other).store(result + i + p * V::size);
  for (; i < n; i += V::size) {
    const int lanes = static_cast<int>(n - i < V::size ? n - i : V::size);
    (exp_nonpositive(V::load(x + i, lanes, shift) - shift) * factor - other).store(result + i, lanes);
  }
  if (label >= 0 && label < n) result[label] -= (T(1) - smoothing) * d_loss;
}

}  // namespace weft::cpu
