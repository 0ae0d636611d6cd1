#pragma once

#include <cstdint>
#include <type_traits>

namespace weft::cpu {

/// The loops of an elementwise functor over float and double. F is called with `inputs` values, each a simd::Vec, and
/// returns a Vec - or a Mask when `Predicate`, which is stored as bool. Functors are written for a scalar; see
/// isa/simd.hpp.
///
/// Step 0 of an input: the one value at its pointer serves all n elements; 1: it is contiguous. The result is
/// contiguous and may be the same memory as an input of step 1.
template <class F, int Inputs, bool Predicate = false> struct Loops {
  using Functor = F;
  static constexpr int inputs = Inputs;
  template <class T> using Result = std::conditional_t<Predicate, bool, T>;
  template <class T>
  using Function = void (*)(const F& f, const T* const* x, const int64_t* steps, Result<T>* y, int64_t n);

  Function<float> f32;
  Function<double> f64;
  template <class T> Function<T> of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

/// Several of them as one group of IsaKernels: `using UnaryKernels = LoopSet<Loops<ExpFunctor, 1>, ...>;`.
template <class... L> struct LoopSet : L... {
  template <class One> const One& get() const { return *this; }
};

}  // namespace weft::cpu
