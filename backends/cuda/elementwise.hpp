#pragma once

#include <type_traits>

#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/walk.hpp>
#include <weft/core/kernel_table.hpp>

// What an elementwise kernel of this backend is made of: the functors of autograd/ops, one result per thread, or four
// where inputs lie in memory as the result does.
//   table.add<op::Exp>(float_map<functors::Exp, 1>, all_floats, /*strided=*/true);

namespace weft::cuda {

/// Half types are computed in float32.
template <class T>
using Computed = std::conditional_t<std::is_same_v<T, bfloat16> || std::is_same_v<T, float16>, float, T>;

/// Four neighbours, read and written at once.
template <class T> struct alignas(4 * sizeof(T)) Four { T values[4]; };

/// f(x0, ...) of N inputs of type T, into results of type R.
template <class F, class T, class R, int N> struct Elementwise {
  F f;
  const T* inputs[N];
  R* result;
  int64_t n;
  Walk<N> walk;
  bool flat;  ///< as Walk::is_flat, and everything aligned for Four

  WEFT_DEVICE void operator()(const Thread& thread) const {
    int64_t done = 0;
    if (flat) {
      const int64_t fours = n / 4;
      for (int64_t i = thread.global_index(); i < fours; i += thread.global_size()) four(i);
      done = fours * 4;
    }
    for (int64_t i = done + thread.global_index(); i < n; i += thread.global_size()) {
      typename Walk<N>::Places places = walk.places(i);
      Computed<T> x[N];
      for (int k = 0; k < N; ++k) x[k] = static_cast<Computed<T>>(inputs[k][places.at[k]]);
      result[i] = static_cast<R>(value(x));
    }
  }

 private:
  WEFT_DEVICE auto value(const Computed<T>* x) const {
    if constexpr (N == 1) return f(x[0]);
    else if constexpr (N == 2) return f(x[0], x[1]);
    else return f(x[0], x[1], x[2]);
  }

  WEFT_DEVICE void four(int64_t i) const {
    Four<T> read[N];
    for (int k = 0; k < N; ++k) {
      if (walk.axes > 0 && walk.steps[k][0] == 1) {
        read[k] = reinterpret_cast<const Four<T>*>(inputs[k])[i];
      } else {
        for (int j = 0; j < 4; ++j) read[k].values[j] = inputs[k][0];
      }
    }
    Four<R> written;
    for (int j = 0; j < 4; ++j) {
      Computed<T> x[N];
      for (int k = 0; k < N; ++k) x[k] = static_cast<Computed<T>>(read[k].values[j]);
      written.values[j] = static_cast<R>(value(x));
    }
    reinterpret_cast<Four<R>*>(result)[i] = written;
  }
};

/// Runs F over the first N inputs of type T, which broadcast to the result of type R.
template <class T, class R, int N, class F> void map(const KernelCall& call, const F& f) {
  Tensor& result = call.outputs[0];
  if (result.elements() == 0) return;
  std::array<Strides, static_cast<size_t>(N)> strides;
  Elementwise<F, T, R, N> kernel{
      .f = f, .inputs = {}, .result = result.mutable_raw_as<R>(), .n = result.elements(), .walk = {}, .flat = true};
  auto aligned = [](const void* p, size_t to) { return reinterpret_cast<uintptr_t>(p) % to == 0; };
  for (size_t k = 0; k < static_cast<size_t>(N); ++k) {
    strides[k] = broadcast_strides(call.inputs[k], result.shape());
    kernel.inputs[k] = call.inputs[k].raw_as<T>();
    kernel.flat = kernel.flat && aligned(kernel.inputs[k], sizeof(Four<T>));
  }
  kernel.walk = make_walk<N>(result.shape(), strides);
  kernel.flat = kernel.flat && kernel.walk.is_flat() && aligned(kernel.result, sizeof(Four<R>));
  launch(kernel, blocks_for(kernel.n, kernel.flat ? 4 : 1), usual_threads);
}

/// The kernel of a functor whose result has the type of its inputs: float32, float64, bfloat16, float16.
template <class F, int N> void float_map(const KernelCall& call) {
  visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, T, N>(call, F{}); });
}

template <class F, int N> void bool_map(const KernelCall& call) { map<bool, bool, N>(call, F{}); }

constexpr DTypeSet all_numbers = all_floats | integers;

template <class F> void visit_integer(DType dtype, F&& f) {
  if (dtype == DType::int64) f(std::type_identity<int64_t>{});
  else f(std::type_identity<int32_t>{});
}

/// The same, with G for int32 and int64.
template <class F, class G, int N> void number_map(const KernelCall& call) {
  const DType dtype = call.inputs[0].dtype();
  if (!is_integer(dtype)) return float_map<F, N>(call);
  visit_integer(dtype, [&]<class T>(std::type_identity<T>) { map<T, T, N>(call, G{}); });
}

/// Calls f with the unsigned integer of an element's size, for what only moves elements.
template <class F> void visit_size(DType dtype, F&& f) {
  switch (size_of(dtype)) {
    case 1: return f(std::type_identity<uint8_t>{});
    case 2: return f(std::type_identity<uint16_t>{});
    case 4: return f(std::type_identity<uint32_t>{});
    default: return f(std::type_identity<uint64_t>{});
  }
}

}  // namespace weft::cuda
