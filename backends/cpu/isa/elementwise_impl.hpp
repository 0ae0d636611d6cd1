#pragma once

#include <utility>

#include <weft/backends/cpu/isa/elementwise.hpp>
#include <weft/backends/cpu/isa/simd_math.hpp>

namespace weft::cpu {

/// Bit i of `Broadcast`: input i has step 0. The last elements go through the same vector code, on padded lanes.
template <class L, class T, class Arch, unsigned Broadcast, size_t... I>
void elementwise_loop(const typename L::Functor& f, const T* const* x, typename L::template Result<T>* y, int64_t n,
                      std::index_sequence<I...>) {
  using V = simd::Vec<T, Arch>;
  const T* in[] = {x[I]...};
  const V once[] = {(Broadcast >> I & 1) ? V(*x[I]) : V(T(0))...};
  int64_t j = 0;
  for (; j + V::size <= n; j += V::size) f(((Broadcast >> I & 1) ? once[I] : V::load(in[I] + j))...).store(y + j);
  if (j < n) {
    const int rest = static_cast<int>(n - j);
    f(((Broadcast >> I & 1) ? once[I] : V::load(in[I] + j, rest, V(T(1))))...).store(y + j, rest);
  }
}

template <class L, class T, class Arch>
void elementwise_loops(const typename L::Functor& f, const T* const* x, const int64_t* steps,
                       typename L::template Result<T>* y, int64_t n) {
  static_assert(L::inputs >= 1 && L::inputs <= 3);
  constexpr auto indices = std::make_index_sequence<L::inputs>();
  if (n <= 0) return;
  unsigned broadcast = 0;
  for (int i = 0; i < L::inputs; ++i) broadcast |= steps[i] == 0 ? 1u << i : 0u;
  switch (broadcast) {
    case 0: return elementwise_loop<L, T, Arch, 0>(f, x, y, n, indices);
    case 1: return elementwise_loop<L, T, Arch, 1>(f, x, y, n, indices);
    case 2: return elementwise_loop < L, T, Arch, L::inputs >= 2 ? 2 : 0 > (f, x, y, n, indices);
    case 3: return elementwise_loop < L, T, Arch, L::inputs >= 2 ? 3 : 0 > (f, x, y, n, indices);
    case 4: return elementwise_loop < L, T, Arch, L::inputs >= 3 ? 4 : 0 > (f, x, y, n, indices);
    case 5: return elementwise_loop < L, T, Arch, L::inputs >= 3 ? 5 : 0 > (f, x, y, n, indices);
    case 6: return elementwise_loop < L, T, Arch, L::inputs >= 3 ? 6 : 0 > (f, x, y, n, indices);
    default: return elementwise_loop < L, T, Arch, L::inputs >= 3 ? 7 : 0 > (f, x, y, n, indices);
  }
}

template <class L, class Arch> constexpr L make_loops() {
  return {&elementwise_loops<L, float, Arch>, &elementwise_loops<L, double, Arch>};
}

template <class Set, class Arch> struct MakeLoopSet;
template <class... L, class Arch> struct MakeLoopSet<LoopSet<L...>, Arch> {
  static constexpr LoopSet<L...> make() { return {make_loops<L, Arch>()...}; }
};
/// The instances for Arch of all loops of a LoopSet.
template <class Set, class Arch> constexpr Set make_loop_set() { return MakeLoopSet<Set, Arch>::make(); }

}  // namespace weft::cpu
