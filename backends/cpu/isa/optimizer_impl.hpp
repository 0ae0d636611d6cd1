#pragma once

#include <weft/backends/cpu/isa/optimizer.hpp>
#include <weft/backends/cpu/isa/simd.hpp>

namespace weft::cpu {

/// The direction of one vector; replaces its states. Every product and sum is rounded by itself, so that a step in one
/// pass has the bits of one in several.
template <op::UpdateRule rule, class V, class T>
WEFT_SIMD_INLINE V direction_of(const UpdateArgs<T>& k, V g, V& a, V& b) {
  using op::UpdateRule;
  if constexpr (rule == UpdateRule::trace) {
    a = g + V(k.b1) * a;
    return k.nesterov ? g + V(k.b1) * a : a;
  } else if constexpr (rule == UpdateRule::mean) {
    a = V(k.b1) * a + V(k.a1) * g;
    return a * V(k.debias1);
  } else if constexpr (rule == UpdateRule::adam) {
    a = V(k.b1) * a + V(k.a1) * g;
    b = V(k.b2) * b + V(k.a2) * (g * g);
    return a * V(k.debias1) / (sqrt(b * V(k.debias2) + V(k.eps_root)) + V(k.eps));
  } else if constexpr (rule == UpdateRule::lion) {
    const V mixed = V(k.b1) * a + V(k.a1) * g;
    a = V(k.b2) * a + V(k.a2) * g;
    return select(mixed > V(T(0)), V(T(1)), select(mixed < V(T(0)), V(T(-1)), mixed));
  } else if constexpr (rule == UpdateRule::rms || rule == UpdateRule::centered) {
    a = V(k.b1) * a + V(k.a1) * (g * g);
    V under_root = a;
    if constexpr (rule == UpdateRule::centered) {
      b = V(k.b1) * b + V(k.a1) * g;
      under_root = a - b * b;
    }
    return k.eps_in_root ? g / sqrt(under_root + V(k.eps)) : g / (sqrt(under_root) + V(k.eps));
  } else if constexpr (rule == UpdateRule::adagrad) {
    a = a + g * g;
    return g / sqrt(a + V(k.eps));
  } else {
    return g;
  }
}

template <op::UpdateRule rule, class T, class Arch> void update_elements(const UpdateArgs<T>& args) {
  using V = simd::Vec<T, Arch>;
  using op::UpdateRule;
  constexpr int states = rule == UpdateRule::plain                                  ? 0
                         : rule == UpdateRule::adam || rule == UpdateRule::centered ? 2
                                                                                    : 1;
  const UpdateArgs<T> k = args;  // a copy, so that stores cannot change it
  const bool reads_p = k.adds || k.early_decay != T(0) || k.decay != T(0);
  auto step = [&](int64_t i, auto load, auto store) __attribute__((always_inline)) {
    const V p = reads_p ? load(k.p + i) : V(T(0));
    V g = load(k.g + i) * V(k.clip), a(T(0)), b(T(0));
    if (k.early_decay != T(0)) g = g + V(k.early_decay) * p;
    if constexpr (states > 0) a = load(k.states[0] + i);
    if constexpr (states > 1) b = load(k.states[1] + i);
    V u = direction_of<rule>(k, g, a, b);
    if constexpr (states > 0) store(a, k.next[0] + i);
    if constexpr (states > 1) store(b, k.next[1] + i);
    if (k.decay != T(0)) u = u + V(k.decay) * p;
    u = u * V(k.rate);
    if (k.traces) {
      const V velocity = u + V(k.momentum) * load(k.states[states] + i);
      store(velocity, k.next[states] + i);
      u = k.trace_nesterov ? u + V(k.momentum) * velocity : velocity;
    }
    store(k.adds ? p + u : u, k.out + i);
  };
  int64_t i = 0;
  for (; i + V::size <= k.n; i += V::size)
    step(
        i, [](const T* p) __attribute__((always_inline)) { return V::load(p); },
        [](V x, T * p) __attribute__((always_inline)) { x.store(p); });
  if (const int rest = static_cast<int>(k.n - i))
    step(
        i, [rest](const T* p) __attribute__((always_inline)) { return V::load(p, rest); },
        [rest](V x, T * p) __attribute__((always_inline)) { x.store(p, rest); });
}

template <class T, class Arch> void update_parameters(op::UpdateRule rule, const UpdateArgs<T>& args) {
  using op::UpdateRule;
  switch (rule) {
    case UpdateRule::plain: return update_elements<UpdateRule::plain, T, Arch>(args);
    case UpdateRule::trace: return update_elements<UpdateRule::trace, T, Arch>(args);
    case UpdateRule::mean: return update_elements<UpdateRule::mean, T, Arch>(args);
    case UpdateRule::adam: return update_elements<UpdateRule::adam, T, Arch>(args);
    case UpdateRule::lion: return update_elements<UpdateRule::lion, T, Arch>(args);
    case UpdateRule::rms: return update_elements<UpdateRule::rms, T, Arch>(args);
    case UpdateRule::centered: return update_elements<UpdateRule::centered, T, Arch>(args);
    case UpdateRule::adagrad: return update_elements<UpdateRule::adagrad, T, Arch>(args);
  }
}

template <class T, class Arch> void average_parameters(const T* a, const T* p, int64_t n, T step_size, T rest, T* out) {
  using V = simd::Vec<T, Arch>;
  int64_t i = 0;
  for (; i + V::size <= n; i += V::size) (V(step_size) * V::load(p + i) + V(rest) * V::load(a + i)).store(out + i);
  if (const int left = static_cast<int>(n - i))
    (V(step_size) * V::load(p + i, left) + V(rest) * V::load(a + i, left)).store(out + i, left);
}

template <class Arch> constexpr OptimizerKernels make_optimizer_kernels() {
  return {{update_parameters<float, Arch>, average_parameters<float, Arch>},
          {update_parameters<double, Arch>, average_parameters<double, Arch>}};
}

}  // namespace weft::cpu
