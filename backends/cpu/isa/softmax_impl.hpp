#pragma once

#include <weft/backends/cpu/isa/cross_entropy_impl.hpp>
#include <weft/backends/cpu/isa/simd_math.hpp>
#include <weft/backends/cpu/isa/softmax.hpp>

namespace weft::cpu {

/// How a line of n elements lies in registers when it is contiguous: along it, and the lanes are joined in the end.
template <class T, class Arch> struct RowLayout {
  using V = simd::Vec<T, Arch>;
  int64_t n;
  static constexpr int results = 1;

  WEFT_SIMD_INLINE int64_t steps() const { return (n + V::size - 1) / V::size; }
  WEFT_SIMD_INLINE int count(int64_t step) const {
    return static_cast<int>(n - step * V::size < V::size ? n - step * V::size : V::size);
  }
  WEFT_SIMD_INLINE int64_t place(int64_t step) const { return step * V::size; }
  template <class Op> static WEFT_SIMD_INLINE V join(V x, Op op) { return simd::fold_lanes(x, op); }
};

/// How V::size neighbouring lines (or fewer) lie when they are columns: one in each lane.
template <class T, class Arch> struct ColumnLayout {
  using V = simd::Vec<T, Arch>;
  int64_t n, stride;
  int results;

  WEFT_SIMD_INLINE int64_t steps() const { return n; }
  WEFT_SIMD_INLINE int count(int64_t) const { return results; }
  WEFT_SIMD_INLINE int64_t place(int64_t step) const { return step * stride; }
  template <class Op> static WEFT_SIMD_INLINE V join(V x, Op) { return x; }
};

template <class Layout, class T, class V>
WEFT_SIMD_INLINE V load_step(const Layout& layout, const T* x, int64_t step, V fill) {
  const int count = layout.count(step);
  return count == V::size ? V::load(x + layout.place(step)) : V::load(x + layout.place(step), count, fill);
}

template <class Layout, class T, class V>
WEFT_SIMD_INLINE void store_step(const Layout& layout, T* y, int64_t step, V value) {
  const int count = layout.count(step);
  if (count == V::size) value.store(y + layout.place(step));
  else value.store(y + layout.place(step), count);
}

/// The fold of f(step) over all steps: four chains, joined in a fixed order.
template <class V, class Layout, class F, class Op>
WEFT_SIMD_INLINE V fold_steps(const Layout& layout, V identity, F f, Op op) {
  V a = identity, b = identity, c = identity, d = identity;
  const int64_t steps = layout.steps();
  int64_t step = 0;
  for (; step + 4 <= steps; step += 4) {
    a = op(a, f(step));
    b = op(b, f(step + 1));
    c = op(c, f(step + 2));
    d = op(d, f(step + 3));
  }
  for (; step < steps; ++step) a = op(a, f(step));
  return layout.join(op(op(a, b), op(c, d)), op);
}

struct AddVecs {
  template <class V> WEFT_SIMD_INLINE V operator()(V a, V b) const { return a + b; }
};
struct MaximumOfVecs {
  template <class V> WEFT_SIMD_INLINE V operator()(V a, V b) const { return maximum(a, b); }
};

enum class SoftmaxKind { softmax, log_softmax, logsumexp };

/// Lanes that pad a line count as -inf, and so add nothing.
template <SoftmaxKind kind, class T, class Arch> struct SoftmaxForward {
  using V = simd::Vec<T, Arch>;
  template <class Layout> static void run(const Layout& layout, const T* x, T* y) {
    constexpr T infinity = static_cast<T>(__builtin_huge_val());
    const V padding(-infinity);
    V shift = fold_steps(
        layout,
        padding, [&](int64_t step) __attribute__((always_inline)) { return load_step(layout, x, step, padding); },
        MaximumOfVecs());
    // The log-sum of nothing but -inf is -inf, not NaN; that of +inf is +inf.
    if constexpr (kind == SoftmaxKind::logsumexp) shift = select(abs(shift) == V(infinity), V(T(0)), shift);
    V total = fold_steps(
        layout, V(T(0)),
        [&](int64_t step) __attribute__((always_inline)) {
          const V shifted = load_step(layout, x, step, padding) - shift;
          V e;  // +inf is in order for logsumexp alone
          if constexpr (kind == SoftmaxKind::logsumexp) e = exp(shifted);
          else e = exp_nonpositive(shifted);
          if constexpr (kind == SoftmaxKind::softmax) store_step(layout, y, step, e);
          return e;
        },
        AddVecs());
    if constexpr (kind == SoftmaxKind::logsumexp) {
      (log(total) + shift).store(y, layout.results);
    } else if constexpr (kind == SoftmaxKind::softmax) {
      const V factor = V(T(1)) / total;
      for (int64_t step = 0; step < layout.steps(); ++step)
        store_step(layout, y, step, load_step(layout, y, step, padding) * factor);
    } else {
      const V log_total = log(total);
      for (int64_t step = 0; step < layout.steps(); ++step)
        store_step(layout, y, step, load_step(layout, x, step, padding) - shift - log_total);
    }
  }
};

template <SoftmaxKind kind, class T, class Arch> struct SoftmaxBackward {
  using V = simd::Vec<T, Arch>;
  template <class Layout> static void run(const Layout& layout, const T* y, const T* g, T* result) {
    constexpr bool is_log = kind == SoftmaxKind::log_softmax;
    const V zero(T(0));
    V total = fold_steps(
        layout, zero,
        [&](int64_t step) __attribute__((always_inline)) {
          V cotangent = load_step(layout, g, step, zero);
          return is_log ? cotangent : load_step(layout, y, step, zero) * cotangent;
        },
        AddVecs());
    for (int64_t step = 0; step < layout.steps(); ++step) {
      V p = load_step(layout, y, step, zero), cotangent = load_step(layout, g, step, zero);
      store_step(layout, result, step, is_log ? cotangent - exp(p) * total : p * (cotangent - total));
    }
  }
};

/// Calls f(layout, element place, line's place) for every group of lines.
template <class T, class Arch, class F>
WEFT_SIMD_INLINE void for_each_line(int64_t outer, int64_t n, int64_t inner, int64_t columns, F f) {
  constexpr int size = simd::Vec<T, Arch>::size;
  for (int64_t o = 0; o < outer; ++o) {
    if (inner == 1) {
      f(RowLayout<T, Arch>{n}, o * n, o);
    } else {
      for (int64_t j = 0; j < columns; j += size)
        f(ColumnLayout<T, Arch>{n, inner, static_cast<int>(columns - j < size ? columns - j : size)}, o * n * inner + j,
          o * inner + j);
    }
  }
}

template <SoftmaxKind kind, class T, class Arch>
void softmax_forward(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t columns, T* y) {
  for_each_line<T, Arch>(outer, n, inner, columns, [=](const auto& layout, int64_t at, int64_t line) {
    SoftmaxForward<kind, T, Arch>::run(layout, x + at, y + (kind == SoftmaxKind::logsumexp ? line : at));
  });
}

template <SoftmaxKind kind, class T, class Arch>
void softmax_backward(const T* y, const T* g, int64_t outer, int64_t n, int64_t inner, int64_t columns, T* result) {
  for_each_line<T, Arch>(outer, n, inner, columns, [=](const auto& layout, int64_t at, int64_t) {
    SoftmaxBackward<kind, T, Arch>::run(layout, y + at, g + at, result + at);
  });
}

template <class T, class Arch> constexpr SoftmaxTypeKernels<T> make_softmax_type_kernels() {
  using enum SoftmaxKind;
  return {&softmax_forward<softmax, T, Arch>,      &softmax_forward<log_softmax, T, Arch>,
          &softmax_forward<logsumexp, T, Arch>,    &softmax_backward<softmax, T, Arch>,
          &softmax_backward<log_softmax, T, Arch>, &cross_entropy_row<T, Arch>,
          &cross_entropy_grad_row<T, Arch>};
}

template <class Arch> constexpr SoftmaxKernels make_softmax_kernels() {
  return {make_softmax_type_kernels<float, Arch>(), make_softmax_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
