#include <weft/backends/cpu/conv_depthwise.hpp>

#include <algorithm>

#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Calls f(window element, features of x there) for the taps of row r that lie inside x.
template <class T, class F>
void for_taps(const ConvPhase& phase, const std::array<ConvAxis, 3>& axes, int64_t features, const T* x, int64_t r,
              F&& f) {
  const PhaseAxis &a = phase.axes[0], &b = phase.axes[1], &c = phase.axes[2];
  const int64_t t2 = r % c.count, t1 = r / c.count % b.count, t0 = r / c.count / b.count % a.count;
  const int64_t image = r / phase.positions();
  for (int64_t j0 = 0; j0 < a.taps; ++j0) {
    const int64_t i0 = a.origin + t0 * a.in_step + j0 * a.in_tap;
    if (i0 < 0 || i0 >= a.input) continue;
    for (int64_t j1 = 0; j1 < b.taps; ++j1) {
      const int64_t i1 = b.origin + t1 * b.in_step + j1 * b.in_tap;
      if (i1 < 0 || i1 >= b.input) continue;
      const int64_t w =
          ((a.tap_first + j0 * a.tap_step) * axes[1].window + b.tap_first + j1 * b.tap_step) * axes[2].window;
      const T* line = x + ((image * a.input + i0) * b.input + i1) * c.input * features;
      for (int64_t j2 = 0; j2 < c.taps; ++j2) {
        const int64_t i2 = c.origin + t2 * c.in_step + j2 * c.in_tap;
        if (i2 >= 0 && i2 < c.input) f(w + c.tap_first + j2 * c.tap_step, line + i2 * features);
      }
    }
  }
}

}  // namespace

template <class T>
void depthwise_forward(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase, const T* x,
                       const T* kernel, T* y) {
  const int64_t features = shape.in_features, rows = shape.batch * phase.positions();
  const int64_t cost = std::max<int64_t>(1, features * phase.taps());
  parallel_chunks(rows, std::max<int64_t>(1, 65536 / cost), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      T* to = y + phase.output_row(r, axes) * features;
      std::fill_n(to, features, T(0));
      for_taps(phase, axes, features, x, r, [&](int64_t w, const T* from) {
        const T* weights = kernel + w * features;
        for (int64_t i = 0; i < features; ++i) to[i] += from[i] * weights[i];
      });
    }
  });
}

template <class T>
void depthwise_kernel_gradient(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase,
                               int64_t begin, int64_t end, const T* x, const T* d_y, T* d_kernel) {
  const int64_t features = shape.in_features;
  for (int64_t r = begin; r < end; ++r) {
    const T* upstream = d_y + phase.output_row(r, axes) * features;
    for_taps(phase, axes, features, x, r, [&](int64_t w, const T* from) {
      T* to = d_kernel + w * features;
      for (int64_t i = 0; i < features; ++i) to[i] += from[i] * upstream[i];
    });
  }
}

#define WEFT_INSTANTIATE(T)                                                                                            \
  template void depthwise_forward(const ConvShape&, const std::array<ConvAxis, 3>&, const ConvPhase&, const T*,        \
                                  const T*, T*);                                                                       \
  template void depthwise_kernel_gradient(const ConvShape&, const std::array<ConvAxis, 3>&, const ConvPhase&, int64_t, \
                                          int64_t, const T*, const T*, T*);
WEFT_INSTANTIATE(float)
WEFT_INSTANTIATE(double)
#undef WEFT_INSTANTIATE

}  // namespace weft::cpu
