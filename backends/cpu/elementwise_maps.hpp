#pragma once

#include <type_traits>

#include <weft/backends/cpu/elementwise.hpp>

// Kernels of whole functors: floats by their vector loops, if the tables have them, else one by one.

namespace weft::cpu {

/// The loops of functor F over N inputs, in the group of kernels that has those of N.
template <int N> const auto& loops_of_arity() {
  if constexpr (N == 1) return isa_kernels().unary;
  else return isa_kernels().binary;
}

template <class F, int N> void float_map(const KernelCall& call) {
  using Group = std::remove_cvref_t<decltype(loops_of_arity<N>())>;
  if constexpr (std::is_base_of_v<Loops<F, N>, Group>) {
    vector_map(call, loops_of_arity<N>().template get<Loops<F, N>>(), F{});
  } else {
    visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { plain_map<T, T, N>(call, F{}); });
  }
}

/// Does int32 and int64, and tells whether it was one of them.
template <int N, class Whole> bool integer_map(const KernelCall& call, const Whole& whole) {
  if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, N>(call, whole), true;
  if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, N>(call, whole), true;
  return false;
}

template <class F, class Whole, int N> void number_map(const KernelCall& call) {
  if (!integer_map<N>(call, Whole{})) float_map<F, N>(call);
}

}  // namespace weft::cpu
