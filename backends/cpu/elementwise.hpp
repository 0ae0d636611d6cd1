#pragma once

#include <array>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/isa/elementwise.hpp>
#include <weft/backends/cpu/strided.hpp>
#include <weft/core/kernel_table.hpp>
#include <weft/core/tensor.hpp>

// What an elementwise kernel is made of. With functor F in a LoopSet of IsaKernels, say `unary`:
//   table.add<op::Exp>([](const KernelCall& call) { vector_map(call, isa_kernels().unary.get<Loops<F, 1>>(), F{}); },
//                      wide_floats, /*strided=*/true);
// and for other element types, or functors without vector code:
//   plain_map<int32_t, int32_t, 2>(call, [](int32_t x, int32_t y) { return x + y; });

namespace weft::cpu {

/// x as an input of a result of `shape`, to which its own broadcasts; axes are aligned at the right.
inline StridedInput broadcast_input(const Tensor& x, const Shape& shape) {
  StridedInput input{x.raw(), Strides::filled(shape.rank(), 0), size_of(x.dtype())};
  const int missing = shape.rank() - x.rank();
  for (int axis = 0; axis < x.rank(); ++axis)
    if (x.shape()[axis] != 1) input.strides[missing + axis] = x.strides()[axis];
  return input;
}

/// What fits into a piece is done at once.
constexpr int64_t small_result = 1024;

/// Whether the first N inputs lie in memory as the result does.
template <size_t N> bool all_like(std::span<const Tensor> inputs, const Tensor& result) {
  bool alike = true;
  for (size_t i = 0; i < N; ++i) alike = alike && inputs[i].is_contiguous() && inputs[i].shape() == result.shape();
  return alike;
}

/// Calls f(const void* const* inputs, const int64_t* steps, void* result, int64_t n) over pieces of the first N inputs,
/// broadcast to the first output; the pointers are to each piece's first element.
template <int N, class F> void map_pieces(const KernelCall& call, F&& f) {
  if (const Tile* tile = call.tile) return f(tile->inputs, tile->steps, tile->output, tile->n);
  Tensor& result = call.outputs[0];
  if (result.elements() <= small_result && all_like<N>(call.inputs, result)) {  // no plan needed
    const void* x[N];
    int64_t steps[N];
    for (size_t i = 0; i < N; ++i) x[i] = call.inputs[i].raw(), steps[i] = 1;
    return f(x, steps, result.mutable_raw(), result.elements());
  }
  std::array<StridedInput, N> inputs;
  for (int i = 0; i < N; ++i)
    inputs[static_cast<size_t>(i)] = broadcast_input(call.inputs[static_cast<size_t>(i)], result.shape());
  char* to = static_cast<char*>(result.mutable_raw());
  const int64_t item = size_of(result.dtype());
  strided_pieces(result.shape(), inputs, [&](const void* const* x, const int64_t* steps, int64_t offset, int64_t n) {
    f(x, steps, static_cast<void*>(to + offset * item), n);
  });
}

/// The kernel of a functor with vector loops, for float32 and float64.
template <class L> void vector_map(const KernelCall& call, const L& loops, const typename L::Functor& f) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    map_pieces<L::inputs>(call, [&](const void* const* x, const int64_t* steps, void* y, int64_t n) {
      const T* typed[L::inputs];
      for (int i = 0; i < L::inputs; ++i) typed[i] = static_cast<const T*>(x[i]);
      loops.template of<T>()(f, typed, steps, static_cast<typename L::template Result<T>*>(y), n);
    });
  });
}

/// The kernel of any function of N values of type T with a result of type R, element by element.
template <class T, class R, int N, class F> void plain_map(const KernelCall& call, const F& f) {
  map_pieces<N>(call, [&](const void* const* x, const int64_t* steps, void* to, int64_t n) {
    R* y = static_cast<R*>(to);
    auto in = [&](int i) { return static_cast<const T*>(x[i]); };
    const T* a = in(0);
    if constexpr (N == 1) {
      for (int64_t j = 0; j < n; ++j) y[j] = static_cast<R>(f(a[j * steps[0]]));
    } else if constexpr (N == 2) {
      const T* b = in(1);
      // The common cases with steps known to the compiler.
      if (steps[0] == 1 && steps[1] == 1)
        for (int64_t j = 0; j < n; ++j) y[j] = static_cast<R>(f(a[j], b[j]));
      else
        for (int64_t j = 0; j < n; ++j) y[j] = static_cast<R>(f(a[j * steps[0]], b[j * steps[1]]));
    } else {
      static_assert(N == 3);
      const T *b = in(1), *c = in(2);
      for (int64_t j = 0; j < n; ++j) y[j] = static_cast<R>(f(a[j * steps[0]], b[j * steps[1]], c[j * steps[2]]));
    }
  });
}

/// Element by element `condition ? x : y` for any element types of one size: T is an unsigned integer of it.
template <class T> void select_map(const KernelCall& call) {
  map_pieces<3>(call, [&](const void* const* in, const int64_t* steps, void* to, int64_t n) {
    const bool* condition = static_cast<const bool*>(in[0]);
    const T *x = static_cast<const T*>(in[1]), *y = static_cast<const T*>(in[2]);
    T* z = static_cast<T*>(to);
    if (steps[0] == 1 && steps[1] == 1 && steps[2] == 1) {
      for (int64_t j = 0; j < n; ++j) {
        T a = x[j], b = y[j];
        z[j] = condition[j] ? a : b;
      }
    } else {
      for (int64_t j = 0; j < n; ++j) {
        T a = x[j * steps[1]], b = y[j * steps[2]];
        z[j] = condition[j * steps[0]] ? a : b;
      }
    }
  });
}

}  // namespace weft::cpu
