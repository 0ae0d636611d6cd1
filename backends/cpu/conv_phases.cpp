#include <weft/backends/cpu/conv_phases.hpp>

#include <algorithm>
#include <numeric>

#include <weft/backends/cpu/scratch.hpp>

namespace weft::cpu {
namespace {

/// Outputs of an axis that see different window elements come in so many kinds.
int64_t phase_count(const ConvAxis& axis) {
  return std::min(axis.input_dilation / std::gcd(axis.stride, axis.input_dilation), axis.output);
}

PhaseAxis axis_phase(const ConvAxis& axis, int64_t first) {
  const int64_t step = axis.input_dilation / std::gcd(axis.stride, axis.input_dilation);
  const int64_t tap_step = axis.input_dilation / std::gcd(axis.kernel_dilation, axis.input_dilation);
  PhaseAxis phase{};
  phase.first = first;
  phase.step = step;
  phase.count = (axis.output - first + step - 1) / step;
  phase.tap_step = tap_step;
  phase.in_step = step * axis.stride / axis.input_dilation;
  phase.in_tap = tap_step * axis.kernel_dilation / axis.input_dilation;
  phase.input = axis.input;
  for (int64_t w = 0; w < std::min(tap_step, axis.window); ++w) {
    const int64_t at = first * axis.stride + w * axis.kernel_dilation - axis.low;
    if (at % axis.input_dilation != 0) continue;
    phase.tap_first = w;
    phase.taps = (axis.window - w + tap_step - 1) / tap_step;
    phase.origin = at / axis.input_dilation;
    break;
  }
  return phase;
}

/// A phase's row as image and number along each axis.
struct Row {
  int64_t image, t[3];
  Row(const ConvPhase& phase, int64_t r) {
    for (int axis = 2; axis >= 0; --axis) {
      const int64_t count = phase.axes[static_cast<size_t>(axis)].count;
      t[axis] = r % count;
      r /= count;
    }
    image = r;
  }
  void next(const ConvPhase& phase) {
    for (int axis = 2; axis >= 0; --axis) {
      if (++t[axis] < phase.axes[static_cast<size_t>(axis)].count) return;
      t[axis] = 0;
    }
    ++image;
  }
};

}  // namespace

int64_t ConvPhase::window_index(int64_t j, const std::array<ConvAxis, 3>& whole) const {
  int64_t index = 0, scale = 1;
  for (size_t axis = 3; axis-- > 0;) {
    index += (axes[axis].tap_first + j % axes[axis].taps * axes[axis].tap_step) * scale;
    j /= axes[axis].taps;
    scale *= whole[axis].window;
  }
  return index;
}

int64_t ConvPhase::output_row(int64_t r, const std::array<ConvAxis, 3>& whole) const {
  const Row row(*this, r);
  int64_t index = row.image;
  for (size_t axis = 0; axis < 3; ++axis)
    index = index * whole[axis].output + axes[axis].first + row.t[axis] * axes[axis].step;
  return index;
}

bool ConvPhase::is_identity(const std::array<ConvAxis, 3>& whole) const {
  for (size_t i = 0; i < 3; ++i) {
    const PhaseAxis& axis = axes[i];
    if (axis.taps != 1 || axis.step != 1 || axis.origin != 0 || axis.in_step != 1 || axis.count != whole[i].input)
      return false;
  }
  return true;
}

std::array<ConvAxis, 3> three_axes(const ConvShape& shape) {
  std::array<ConvAxis, 3> axes{};
  for (int i = 0; i < shape.axes; ++i) axes[static_cast<size_t>(3 - shape.axes + i)] = shape.axis[i];
  return axes;
}

ConvPhases conv_phases(const std::array<ConvAxis, 3>& axes) {
  const int64_t a = phase_count(axes[0]), b = phase_count(axes[1]), c = phase_count(axes[2]);
  auto* phases = static_cast<ConvPhase*>(
      scratch_bytes(ScratchUse::conv_phases, (a * b * c + 1) * static_cast<int64_t>(sizeof(ConvPhase))));
  for (int64_t i = 0; i < a * b * c; ++i)
    phases[i] = {{axis_phase(axes[0], i / (b * c)), axis_phase(axes[1], i / c % b), axis_phase(axes[2], i % c)}};
  return {phases, static_cast<size_t>(a * b * c)};
}

bool is_pointwise(const ConvShape& shape, ConvPhases phases, const std::array<ConvAxis, 3>& axes) {
  const int64_t window = axes[0].window * axes[1].window * axes[2].window;
  return window == 1 && phases.size() == 1 && phases[0].is_identity(axes) && shape.batch > 0;
}

template <class T>
void conv_columns(const ConvPhase& phase, const T* x, int64_t stride, int64_t feature, int64_t features, int64_t begin,
                  int64_t rows, T* columns) {
  const PhaseAxis &a = phase.axes[0], &b = phase.axes[1], &c = phase.axes[2];
  const bool runs = c.in_tap == 1 && features == stride;
  auto zeros = [&](int64_t count) { columns = std::fill_n(columns, count, T(0)); };
  Row row(phase, begin);
  for (int64_t r = 0; r < rows; ++r, row.next(phase)) {
    for (int64_t j0 = 0; j0 < a.taps; ++j0) {
      const int64_t i0 = a.origin + row.t[0] * a.in_step + j0 * a.in_tap;
      if (i0 < 0 || i0 >= a.input) {
        zeros(b.taps * c.taps * features);
        continue;
      }
      for (int64_t j1 = 0; j1 < b.taps; ++j1) {
        const int64_t i1 = b.origin + row.t[1] * b.in_step + j1 * b.in_tap;
        if (i1 < 0 || i1 >= b.input) {
          zeros(c.taps * features);
          continue;
        }
        const T* line = x + ((row.image * a.input + i0) * b.input + i1) * c.input * stride + feature;
        const int64_t i2 = c.origin + row.t[2] * c.in_step;
        if (runs) {
          const int64_t from = std::clamp<int64_t>(-i2, 0, c.taps),
                        to = std::clamp<int64_t>(c.input - i2, from, c.taps);
          zeros(from * features);
          if (from < to) columns = std::copy_n(line + (i2 + from) * stride, (to - from) * features, columns);
          zeros((c.taps - to) * features);
          continue;
        }
        for (int64_t j2 = 0; j2 < c.taps; ++j2) {
          const int64_t at = i2 + j2 * c.in_tap;
          if (at < 0 || at >= c.input) zeros(features);
          else columns = std::copy_n(line + at * stride, features, columns);
        }
      }
    }
  }
}

template void conv_columns(const ConvPhase&, const float*, int64_t, int64_t, int64_t, int64_t, int64_t, float*);
template void conv_columns(const ConvPhase&, const double*, int64_t, int64_t, int64_t, int64_t, int64_t, double*);

}  // namespace weft::cpu
