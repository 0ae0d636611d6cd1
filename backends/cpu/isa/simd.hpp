#pragma once

// Vec<T, Arch>: one register of float or double, for the units below backends/cpu/isa only. An elementwise functor
// written for a scalar works on a Vec too: same operators, and functions (`exp`, `select`, ...) found by
// argument-dependent lookup. Functions of mathematics are in simd_math.hpp.

#include <weft/backends/cpu/isa/registers.hpp>

namespace weft::simd {

#if defined(__x86_64__)
using Avx512 = xsimd::avx512bw;
using Avx2 = xsimd::fma3<xsimd::avx2>;
using Sse2 = xsimd::sse2;
#elif defined(__aarch64__)
using Neon = xsimd::neon64;
#endif

/// One truth value per lane of a Vec<T, Arch>.
template <class T, class Arch> struct Mask {
  using Batch = xsimd::batch_bool<T, Arch>;
  static constexpr int size = static_cast<int>(Batch::size);
  Batch b;

  Mask() = default;
  WEFT_SIMD_INLINE Mask(Batch batch) : b(batch) {}
  WEFT_SIMD_INLINE Mask(bool value) : b(value) {}
  friend WEFT_SIMD_INLINE Mask operator&(Mask x, Mask y) { return x.b & y.b; }
  friend WEFT_SIMD_INLINE Mask operator|(Mask x, Mask y) { return x.b | y.b; }
  friend WEFT_SIMD_INLINE Mask operator&&(Mask x, Mask y) { return x.b & y.b; }
  friend WEFT_SIMD_INLINE Mask operator||(Mask x, Mask y) { return x.b | y.b; }
  friend WEFT_SIMD_INLINE Mask operator^(Mask x, Mask y) { return x.b != y.b; }
  friend WEFT_SIMD_INLINE Mask operator!(Mask x) { return !x.b; }
  friend WEFT_SIMD_INLINE bool any(Mask x) { return xsimd::any(x.b); }
  friend WEFT_SIMD_INLINE bool all(Mask x) { return xsimd::all(x.b); }
  friend WEFT_SIMD_INLINE bool none(Mask x) { return !xsimd::any(x.b); }

  /// From `count` bytes, 0 or not; lanes beyond are false.
  static WEFT_SIMD_INLINE Mask load(const bool* p, int count = size);
  /// Writes `count` bytes, 0 or 1.
  WEFT_SIMD_INLINE void store(bool* p, int count = size) const;
};

template <class T, class Arch> struct Vec {
  using value_type = T;
  using Batch = xsimd::batch<T, Arch>;
  using Register = typename Batch::register_type;
  static constexpr int size = static_cast<int>(Batch::size);
  /// SSE2 rounds by converting to integers, and xsimd's conversions of doubles are undefined for large ones and NaN.
#if defined(__x86_64__)
  static constexpr bool has_rounding = sizeof(Batch) > 16;
#else
  static constexpr bool has_rounding = true;
#endif
  Batch b;

  Vec() = default;
  WEFT_SIMD_INLINE Vec(T value) : b(value) {}
  WEFT_SIMD_INLINE Vec(Batch batch) : b(batch) {}
  WEFT_SIMD_INLINE Vec(Register r) : b(r) {}
  /// 1 and 0.
  WEFT_SIMD_INLINE explicit Vec(Mask<T, Arch> mask) : Vec(select(mask, Vec(T(1)), Vec(T(0)))) {}
  WEFT_SIMD_INLINE operator Register() const { return b; }

  /// No alignment is asked for.
  static WEFT_SIMD_INLINE Vec load(const T* p) { return Batch::load_unaligned(p); }
  WEFT_SIMD_INLINE void store(T* p) const { b.store_unaligned(p); }
  /// The first `count` lanes (0 to size), the others as in `fill`; nothing beyond is read.
  static WEFT_SIMD_INLINE Vec load(const T* p, int count, Vec fill = Vec(T(0))) {
    return raw::load_partial(p, count, Register(fill));
  }
  /// Nothing beyond the first `count` lanes is written.
  WEFT_SIMD_INLINE void store(T* p, int count) const { raw::store_partial(p, count, Register(*this)); }
  /// first, first + 1, ...
  static WEFT_SIMD_INLINE Vec iota(T first = T(0)) {
    alignas(64) T lanes[size];
    for (int i = 0; i < size; ++i) lanes[i] = T(i);
    return load(lanes) + Vec(first);
  }

  friend WEFT_SIMD_INLINE Vec operator+(Vec x, Vec y) { return x.b + y.b; }
  friend WEFT_SIMD_INLINE Vec operator-(Vec x, Vec y) { return x.b - y.b; }
  friend WEFT_SIMD_INLINE Vec operator*(Vec x, Vec y) { return x.b * y.b; }
  /// Not xsimd's, which is an estimate for float32 on NEON.
  friend WEFT_SIMD_INLINE Vec operator/(Vec x, Vec y) { return Register(x) / Register(y); }
  /// Flips the sign bit, as a scalar minus does (xsimd subtracts from 0).
  friend WEFT_SIMD_INLINE Vec operator-(Vec x) { return x.b ^ Batch(T(-0.0)); }
  WEFT_SIMD_INLINE Vec& operator+=(Vec y) { return *this = *this + y; }
  WEFT_SIMD_INLINE Vec& operator-=(Vec y) { return *this = *this - y; }
  WEFT_SIMD_INLINE Vec& operator*=(Vec y) { return *this = *this * y; }
  WEFT_SIMD_INLINE Vec& operator/=(Vec y) { return *this = *this / y; }

  friend WEFT_SIMD_INLINE Mask<T, Arch> operator<(Vec x, Vec y) { return x.b < y.b; }
  friend WEFT_SIMD_INLINE Mask<T, Arch> operator<=(Vec x, Vec y) { return x.b <= y.b; }
  friend WEFT_SIMD_INLINE Mask<T, Arch> operator>(Vec x, Vec y) { return x.b > y.b; }
  friend WEFT_SIMD_INLINE Mask<T, Arch> operator>=(Vec x, Vec y) { return x.b >= y.b; }
  friend WEFT_SIMD_INLINE Mask<T, Arch> operator==(Vec x, Vec y) { return x.b == y.b; }
  /// True where either is NaN, as for scalars (xsimd's own is not everywhere).
  friend WEFT_SIMD_INLINE Mask<T, Arch> operator!=(Vec x, Vec y) { return !(x == y); }

  /// Lane by lane `mask ? x : y`.
  friend WEFT_SIMD_INLINE Vec select(Mask<T, Arch> mask, Vec x, Vec y) { return xsimd::select(mask.b, x.b, y.b); }
  /// a * b + c and c - a * b, rounded once (SSE2 has no such instruction and rounds twice).
  friend WEFT_SIMD_INLINE Vec fma(Vec a, Vec b, Vec c) { return raw::fma(Register(a), Register(b), Register(c)); }
  friend WEFT_SIMD_INLINE Vec fnma(Vec a, Vec b, Vec c) { return raw::fnma(Register(a), Register(b), Register(c)); }
  /// The second argument where either is NaN.
  friend WEFT_SIMD_INLINE Vec min(Vec x, Vec y) { return raw::min(Register(x), Register(y)); }
  friend WEFT_SIMD_INLINE Vec max(Vec x, Vec y) { return raw::max(Register(x), Register(y)); }
  /// NaN where either is NaN, as NumPy's.
  friend WEFT_SIMD_INLINE Vec maximum(Vec x, Vec y) { return select(isnan(x), x, max(x, y)); }
  friend WEFT_SIMD_INLINE Vec minimum(Vec x, Vec y) { return select(isnan(x), x, min(x, y)); }
  friend WEFT_SIMD_INLINE Vec abs(Vec x) { return xsimd::abs(x.b); }
  friend WEFT_SIMD_INLINE Vec copysign(Vec x, Vec sign) { return abs(x).b | (sign.b & Batch(T(-0.0))); }
  friend WEFT_SIMD_INLINE Vec sqrt(Vec x) {
#if defined(__aarch64__)
    return raw::sqrt(Register(x));  // xsimd's is an estimate for float32, NaN at infinity
#else
    return xsimd::sqrt(x.b);
#endif
  }
  /// To the nearest integer, halves to even.
  friend WEFT_SIMD_INLINE Vec nearbyint(Vec x) {
    if constexpr (has_rounding) {
      return xsimd::nearbyint(x.b);
    } else {
      // From 2^23 (2^52) on every number is whole, so adding and subtracting that rounds smaller ones.
      const Vec whole(sizeof(T) == 4 ? T(8388608.0) : T(4503599627370496.0)), size_of_x = abs(x);
      return select(size_of_x < whole, copysign((size_of_x + whole) - whole, x), x);
    }
  }
  friend WEFT_SIMD_INLINE Vec floor(Vec x) {
    if constexpr (has_rounding) {
      return xsimd::floor(x.b);
    } else {
      Vec rounded = nearbyint(x);
      return select(rounded > x, rounded - Vec(T(1)), rounded);
    }
  }
  friend WEFT_SIMD_INLINE Vec trunc(Vec x) {
    if constexpr (has_rounding) return xsimd::trunc(x.b);
    else return copysign(floor(abs(x)), x);
  }
  friend WEFT_SIMD_INLINE Vec ceil(Vec x) {
    if constexpr (has_rounding) return xsimd::ceil(x.b);
    else return -floor(-x);
  }
  friend WEFT_SIMD_INLINE Mask<T, Arch> isnan(Vec x) { return !(x == x); }

  /// Lane 0.
  friend WEFT_SIMD_INLINE T first(Vec x) { return raw::first(Register(x)); }
};

template <class T, class Arch> WEFT_SIMD_INLINE Mask<T, Arch> Mask<T, Arch>::load(const bool* p, int count) {
  alignas(64) T lanes[size];
  for (int i = 0; i < size; ++i) lanes[i] = i < count ? static_cast<T>(p[i]) : T(0);
  return Vec<T, Arch>::load(lanes) > Vec<T, Arch>(T(0));
}

template <class T, class Arch> WEFT_SIMD_INLINE void Mask<T, Arch>::store(bool* p, int count) const {
  alignas(64) T lanes[size];
  Vec<T, Arch>(*this).store(lanes);
  for (int i = 0; i < count; ++i) p[i] = lanes[i] > T(0);
}

namespace detail {
template <int block, class V, class Op> WEFT_SIMD_INLINE V fold(V x, Op op) {
  if constexpr (block == 0) {
    return x;
  } else {
    V other = raw::swap_blocks(typename V::Register(x), raw::Lanes<block>());
    return fold<block / 2>(op(x, other), op);
  }
}
}  // namespace detail

/// Combines all lanes by halves: ((0+4)+(2+6))+... - the same tree every time. Every lane of the result holds it.
template <class T, class Arch, class Op> WEFT_SIMD_INLINE Vec<T, Arch> fold_lanes(Vec<T, Arch> x, Op op) {
  return detail::fold<Vec<T, Arch>::size / 2>(x, op);
}
template <class T, class Arch> WEFT_SIMD_INLINE T reduce_add(Vec<T, Arch> x) {
  return first(fold_lanes(
      x, [](auto a, auto b) __attribute__((always_inline)) { return a + b; }));
}
template <class T, class Arch> WEFT_SIMD_INLINE T reduce_max(Vec<T, Arch> x) {
  return first(fold_lanes(
      x, [](auto a, auto b) __attribute__((always_inline)) { return max(a, b); }));
}
template <class T, class Arch> WEFT_SIMD_INLINE T reduce_min(Vec<T, Arch> x) {
  return first(fold_lanes(
      x, [](auto a, auto b) __attribute__((always_inline)) { return min(a, b); }));
}

/// Transposes the size x size block held in `rows`, by log2(size) rounds of interleaving.
template <class T, class Arch> WEFT_SIMD_INLINE void transpose(Vec<T, Arch>* rows) {
  using V = Vec<T, Arch>;
  constexpr int half = V::size / 2;
  V other[V::size];
  auto round = [&](V * from, V * to) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int i = 0; i < half; ++i) {
      to[2 * i] = raw::zip_low(typename V::Register(from[i]), typename V::Register(from[i + half]));
      to[2 * i + 1] = raw::zip_high(typename V::Register(from[i]), typename V::Register(from[i + half]));
    }
  };
  constexpr int rounds = V::size == 16 ? 4 : V::size == 8 ? 3 : V::size == 4 ? 2 : 1;
  round(rows, other);
  if constexpr (rounds >= 2) round(other, rows);
  if constexpr (rounds >= 3) round(rows, other);
  if constexpr (rounds >= 4) round(other, rows);
  if constexpr (rounds % 2 == 1)
    for (int i = 0; i < V::size; ++i) rows[i] = other[i];
}

}  // namespace weft::simd
