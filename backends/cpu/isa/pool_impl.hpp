#pragma once

#include <weft/backends/cpu/isa/pool.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

template <class T, class Arch> void pool_sum(const PoolTap<T>* taps, int64_t count, int64_t features, T* y) {
  using V = simd::Vec<T, Arch>;
  constexpr int wide = 4;
  int64_t j = 0;
  for (; j + wide * V::size <= features; j += wide * V::size) {
    V sums[wide];
#pragma GCC unroll 4
    for (int v = 0; v < wide; ++v) sums[v] = V(T(0));
    for (int64_t t = 0; t < count; ++t)
#pragma GCC unroll 4
      for (int v = 0; v < wide; ++v) sums[v] += V::load(taps[t].x + j + v * V::size);
#pragma GCC unroll 4
    for (int v = 0; v < wide; ++v) sums[v].store(y + j + v * V::size);
  }
  for (; j < features; j += V::size) {
    const int lanes = static_cast<int>(features - j < V::size ? features - j : V::size);
    V sum(T(0));
    for (int64_t t = 0; t < count; ++t) sum += V::load(taps[t].x + j, lanes);
    sum.store(y + j, lanes);
  }
}

/// Features [j, j + lanes); `whole`: lanes is a register.
template <class T, class Arch, bool minimum, bool whole>
WEFT_SIMD_INLINE void pool_extreme_vector(const PoolTap<T>* taps, int64_t count, int64_t j, int lanes, T* y,
                                          int32_t* places) {
  using V = simd::Vec<T, Arch>;
  auto load = [&](const T* x) __attribute__((always_inline)) {
    if constexpr (whole) return V::load(x + j);
    else return V::load(x + j, lanes);
  };
  V best = load(taps[0].x), place(taps[0].place);
  for (int64_t t = 1; t < count; ++t) {
    const V value = load(taps[t].x);
    const auto better = (minimum ? value < best : value > best) | (isnan(value) & !isnan(best));
    best = select(better, value, best);
    place = select(better, V(taps[t].place), place);
  }
  alignas(64) T numbers[V::size];
  place.store(numbers);
  if constexpr (whole) {
    best.store(y + j);
    for (int i = 0; i < V::size; ++i) places[j + i] = static_cast<int32_t>(numbers[i]);
  } else {
    best.store(y + j, lanes);
    for (int i = 0; i < lanes; ++i) places[j + i] = static_cast<int32_t>(numbers[i]);
  }
}

template <class T, class Arch, bool minimum>
void pool_extreme_of(const PoolTap<T>* taps, int64_t count, int64_t features, T* y, int32_t* places) {
  constexpr int size = simd::Vec<T, Arch>::size;
  int64_t j = 0;
  for (; j + size <= features; j += size) pool_extreme_vector<T, Arch, minimum, true>(taps, count, j, size, y, places);
  if (j < features)
    pool_extreme_vector<T, Arch, minimum, false>(taps, count, j, static_cast<int>(features - j), y, places);
}

template <class T, class Arch>
void pool_extreme(const PoolTap<T>* taps, int64_t count, int64_t features, bool minimum, T* y, int32_t* places) {
  if (minimum) pool_extreme_of<T, Arch, true>(taps, count, features, y, places);
  else pool_extreme_of<T, Arch, false>(taps, count, features, y, places);
}

/// Plain loops: the compiler compares whole registers of places.
template <class T, class Arch>
void pool_scatter(const PoolSource<T>* sources, int64_t count, int64_t features, int32_t place, T* __restrict__ x) {
  if (count == 0)
    for (int64_t j = 0; j < features; ++j) x[j] = T(0);
  for (int64_t s = 0; s < count; ++s) {
    const T* __restrict__ values = sources[s].values;
    const int32_t* __restrict__ places = sources[s].places;
    if (s == 0)
      for (int64_t j = 0; j < features; ++j) x[j] = places[j] == place ? values[j] : T(0);
    else
      for (int64_t j = 0; j < features; ++j) x[j] += places[j] == place ? values[j] : T(0);
  }
}

template <class T, class Arch> constexpr PoolTypeKernels<T> make_pool_type_kernels() {
  return {&pool_sum<T, Arch>, &pool_extreme<T, Arch>, &pool_scatter<T, Arch>};
}

template <class Arch> constexpr PoolKernels make_pool_kernels() {
  return {make_pool_type_kernels<float, Arch>(), make_pool_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
