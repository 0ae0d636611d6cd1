#pragma once

#include <cstdint>

namespace weft::cpu {

/// Softmax and its kin over the middle axis of contiguous [outer, n, inner] arrays: in `outer` of them, the first
/// `columns` of the inner axis.
template <class T> struct SoftmaxTypeKernels {
  using Forward = void (*)(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t columns, T* y);
  using Backward = void (*)(const T* y, const T* g, int64_t outer, int64_t n, int64_t inner, int64_t columns,
                            T* result);
  Forward softmax, log_softmax;
  /// y [outer, inner].
  Forward logsumexp;
  /// y is the forward result, g its cotangent.
  Backward softmax_grad, log_softmax_grad;
  /// One row of op::SoftmaxCrossEntropy, and of its gradient.
  T (*cross_entropy)(const T* x, int64_t n, int64_t label, T smoothing);
  void (*cross_entropy_grad)(const T* x, int64_t n, int64_t label, T smoothing, T d_loss, T* result);
};

struct SoftmaxKernels {
  SoftmaxTypeKernels<float> f32;
  SoftmaxTypeKernels<double> f64;
  template <class T> const SoftmaxTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
