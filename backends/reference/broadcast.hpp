#pragma once

#include <array>

#include <weft/core/kernel_table.hpp>
#include <weft/core/strided_loop.hpp>
#include <weft/core/tensor.hpp>

namespace weft::reference {

/// The strides with which `tensor` is read as if it had the shape that it broadcasts to.
inline Strides broadcast_strides(const Tensor& tensor, const Shape& shape) {
  Strides strides = Strides::filled(shape.rank(), 0);
  int shift = shape.rank() - tensor.rank();
  for (int i = 0; i < tensor.rank(); ++i) strides[i + shift] = tensor.shape()[i] == 1 ? 0 : tensor.strides()[i];
  return strides;
}

/// Calls f(output place, first input's place, ...) for every element of the N inputs broadcast together.
template <size_t N, class F> void for_each_broadcast(const KernelCall& call, F&& f) {
  const Shape& shape = call.outputs[0].shape();
  std::array<Strides, N + 1> strides;
  strides[0] = row_major_strides(shape);
  for (size_t i = 0; i < N; ++i) strides[i + 1] = broadcast_strides(call.inputs[i], shape);
  strided_rows<N + 1>(shape, strides,
                      [&](int64_t count, std::array<int64_t, N + 1> at, std::array<int64_t, N + 1> step) {
                        for (int64_t k = 0; k < count; ++k) {
                          std::apply(f, at);
                          for (size_t i = 0; i <= N; ++i) at[i] += step[i];
                        }
                      });
}

}  // namespace weft::reference
