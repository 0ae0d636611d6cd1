#pragma once

#include <weft/autograd/ops/matmul.hpp>
#include <weft/backends/cuda/walk.hpp>

namespace weft::cuda {

/// Matrices of one shape in memory; strides are in elements.
struct Matrix {
  const void* data = nullptr;
  int64_t rows = 0, columns = 0, row_stride = 0, column_stride = 0;
};

/// activation(a . b + bias) + residual for a batch of matrices a [m, k] and b [k, n], as op::FusedMatmul has it; what
/// is null is left out. The result, and all that is laid out as it, is [batch, m, n] without gaps.
struct Product {
  DType dtype = DType::float32;
  Device device;
  Matrix a, b;
  int64_t batches = 1;
  Walk<2> batch;               ///< where in a and b each of the batch finds its matrix
  bool linear = false;         ///< b was one matrix: what op::Linear computes
  const void* bias = nullptr;  ///< [n]
  op::Activation activation = op::Activation::none;
  const void* residual = nullptr;
  void* kept = nullptr;  ///< a . b + bias
  void* result = nullptr;

  int64_t m() const { return a.rows; }
  int64_t n() const { return b.columns; }
  int64_t k() const { return a.columns; }
  int64_t elements() const { return batches * m() * n(); }
};

/// The product a . b into `result`, which has elements: a [..., K] and b [K, N], or a [batch..., M, K] and b
/// [batch..., K, N].
inline Product make_product(const Tensor& a, const Tensor& b, Tensor& result) {
  Product product;
  product.dtype = result.dtype();
  product.device = result.device();
  product.result = result.mutable_raw();
  product.linear = b.rank() == 2;
  product.b = {b.raw(), b.size(-2), b.size(-1), b.strides()[b.rank() - 2], b.strides().back()};
  const int matrix_axes = product.linear ? 1 : 2, outer = a.rank() - matrix_axes;
  product.a = {a.raw(), 1, a.shape().back(), a.shape().back(), a.strides().back()};
  if (product.linear) {
    // The axes before the last are one axis of rows wherever they run on; what does not is a batch.
    const Shape rows = a.shape().slice(0, outer);
    product.batch = make_walk<2>(rows, {a.strides().slice(0, outer), Strides::filled(outer, 0)});
    Walk<2>& batch = product.batch;
    if (batch.axes > 0) {
      const int last = --batch.axes;
      product.a.rows = batch.extents[last];
      product.a.row_stride = batch.steps[0][last];
    }
  } else {
    product.a.rows = a.size(-2);
    product.a.row_stride = a.strides()[a.rank() - 2];
    const Shape axes = result.shape().slice(0, result.rank() - 2);
    auto strides_of = [&](const Tensor& x) {
      Strides strides = Strides::filled(axes.rank(), 0);
      const int own = x.rank() - 2, missing = axes.rank() - own;
      for (int axis = 0; axis < own; ++axis)
        if (x.shape()[axis] != 1) strides[missing + axis] = x.strides()[axis];
      return strides;
    };
    product.batch = make_walk<2>(axes, {strides_of(a), strides_of(b)});
  }
  for (int axis = 0; axis < product.batch.axes; ++axis) product.batches *= product.batch.extents[axis];
  return product;
}

}  // namespace weft::cuda
