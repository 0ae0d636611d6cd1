#pragma once

#include <utility>
#include <vector>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/backends/cuda/libraries.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

// What the tests of products share. Tensors are on the grid, where views of them stay views.

namespace weft::test {

using weft::testing::as_dtype, weft::testing::check_near, weft::testing::scattered, weft::testing::tolerance_of;

/// Waves small enough that half types do not run over.
inline Tensor small_wave(const Shape& shape, DType dtype, double phase = 0) {
  return on_grid(as_dtype(wave(shape, DType::float32, phase) * 0.25, dtype));
}

/// The same values with the last two axes the other way round in memory.
inline Tensor columns_first(const Tensor& x) { return swapaxes(swapaxes(x, -1, -2).copy(), -1, -2); }

/// Calls f with the libraries of a GPU in front of the own kernels, and with the own kernels alone.
template <class F> void with_and_without_libraries(F&& f) {
  const bool before = cuda::libraries_allowed();
#ifdef WEFT_TESTS_ON_GPU
  cuda::allow_libraries(!before);
  f();
  cuda::allow_libraries(before);
#endif
  INFO("libraries are allowed: " << before);
  f();
}

/// a . b is near that on the cpu in a wider type.
inline void check_product(const Tensor& a, const Tensor& b) {
  INFO(to_string(a.spec()) << " with strides " << to_string(a.strides()) << " times " << to_string(b.spec())
                           << " with strides " << to_string(b.strides()));
  const DType dtype = a.dtype(), wide = is_floating(dtype) ? DType::float64 : dtype;
  const Tensor expected = matmul(as_dtype(a.to("cpu"), wide), as_dtype(b.to("cpu"), wide));
  with_and_without_libraries([&] { check_near({matmul(a, b)}, {as_dtype(expected, dtype)}, tolerance_of(dtype)); });
}

/// Every activation of op::FusedMatmul.
inline const std::vector<op::Activation> activations = {
    op::Activation::none, op::Activation::relu,    op::Activation::gelu_tanh, op::Activation::gelu_erf,
    op::Activation::silu, op::Activation::sigmoid, op::Activation::tanh};

inline Tensor activated(op::Activation activation, const Tensor& x) {
  switch (activation) {
    case op::Activation::none: break;
    case op::Activation::relu: return relu(x);
    case op::Activation::gelu_tanh: return gelu(x, true);
    case op::Activation::gelu_erf: return gelu(x, false);
    case op::Activation::silu: return silu(x);
    case op::Activation::sigmoid: return sigmoid(x);
    case op::Activation::tanh: return tanh(x);
  }
  return x;
}

/// Calls check(fused, expected) with the results of op::FusedMatmul on a and b, in all its forms, and those of the ops
/// one after another.
template <class F> void for_every_fused(const Tensor& a, const Tensor& b, F&& check) {
  const DType dtype = a.dtype();
  const Tensor bias = small_wave({b.shape().back()}, dtype, 2);
  const bool is_linear = b.rank() == 2;
  for (op::Activation activation : activations)
    for (unsigned bits = 0; bits < 8; ++bits) {
      const op::FusedMatmul op{(bits & 1) != 0, (bits & 2) != 0, activation, (bits & 4) != 0};
      Tensors inputs{a, b};
      Tensor product = is_linear ? linear(a, b, op.has_bias ? bias : Tensor()) : matmul(a, b);
      if (op.has_bias) {
        inputs.push_back(bias);
        if (!is_linear) product = product + bias;
      }
      Tensor expected = activated(activation, product);
      if (op.has_residual) {
        inputs.push_back(small_wave(product.shape(), dtype, 3));
        expected = expected + inputs.back();
      }
      INFO("activation " << static_cast<int>(activation) << ", bias " << op.has_bias << ", residual " << op.has_residual
                         << ", keeps the product " << op.keeps_product);
      check(apply_all(op, inputs), op.keeps_product ? Tensors{expected, product} : Tensors{expected});
    }
}

}  // namespace weft::test
