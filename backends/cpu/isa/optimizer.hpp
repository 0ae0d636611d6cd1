#pragma once

#include <cstdint>

#include <weft/autograd/ops/update_rule.hpp>

namespace weft::cpu {

/// Some elements of one parameter, its gradient and states, and the numbers of op::OptimizerUpdate for it. Results may
/// lie where the inputs do.
template <class T> struct UpdateArgs {
  int64_t n = 0;
  const T *p = nullptr, *g = nullptr;
  const T* states[3] = {};
  T* out = nullptr;
  T* next[3] = {};
  T clip = 1;  ///< multiplies the gradient
  T early_decay = 0, decay = 0;
  T b1 = 0, a1 = 0, b2 = 0, a2 = 0;  ///< a = 1 - b
  T eps = 0, eps_root = 0;
  T debias1 = 1, debias2 = 1;  ///< 1 / (1 - b^t)
  T rate = 1;                  ///< multiplies the direction: minus the learning rate
  T momentum = 0;
  bool nesterov = false, eps_in_root = true, traces = false, trace_nesterov = false, adds = true;
};

template <class T> struct OptimizerTypeKernels {
  void (*update)(op::UpdateRule rule, const UpdateArgs<T>& args);
  /// out = step_size * p + (1 - step_size) * a; out may be a.
  void (*average)(const T* a, const T* p, int64_t n, T step_size, T rest, T* out);
};

struct OptimizerKernels {
  OptimizerTypeKernels<float> f32;
  OptimizerTypeKernels<double> f64;
  template <class T> const OptimizerTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

}  // namespace weft::cpu
