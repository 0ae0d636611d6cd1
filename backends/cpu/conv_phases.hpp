#pragma once

#include <array>
#include <span>

#include <weft/backends/cpu/conv.hpp>

namespace weft::cpu {

/// Outputs first, first + step, ... of an axis: those that see the same window elements ("taps") hit real inputs rather
/// than the zeros of input dilation. Output number t sees, with tap j, input origin + t in_step + j in_tap.
/// Without input dilation there is one phase, with all outputs and taps.
struct PhaseAxis {
  int64_t first, step, count;
  int64_t tap_first, tap_step, taps;
  int64_t origin, in_step, in_tap, input;
};

/// One phase of each axis; always three axes, the missing ones in front.
struct ConvPhase {
  std::array<PhaseAxis, 3> axes;
  int64_t taps() const { return axes[0].taps * axes[1].taps * axes[2].taps; }
  int64_t positions() const { return axes[0].count * axes[1].count * axes[2].count; }
  /// Number, in the whole window, of tap j.
  int64_t window_index(int64_t j, const std::array<ConvAxis, 3>& whole) const;
  /// Number, among all batch * outputs, of this phase's row r.
  int64_t output_row(int64_t r, const std::array<ConvAxis, 3>& whole) const;
  /// Every row is the same row of x: nothing to gather.
  bool is_identity(const std::array<ConvAxis, 3>& whole) const;
};

/// The shape's axes with those of extent 1 in front that make three.
std::array<ConvAxis, 3> three_axes(const ConvShape& shape);
/// All phases, each output in one of them: in scratch memory of this thread, until the next call.
using ConvPhases = std::span<const ConvPhase>;
ConvPhases conv_phases(const std::array<ConvAxis, 3>& axes);

/// A convolution whose outputs each see one input, the one at their own place, is one of a single long line.
bool is_pointwise(const ConvShape& shape, ConvPhases phases, const std::array<ConvAxis, 3>& axes);
inline ConvAxis long_line(int64_t length) {
  ConvAxis axis;
  axis.input = axis.output = length;
  return axis;
}
/// The outputs of several lines together make better tiles than those of one.
inline bool is_short_line(const ConvPhase& phase, int64_t batch) {
  return phase.axes[2].count < 6 && batch * phase.positions() > phase.axes[2].count;
}

/// Writes rows [begin, begin + rows) of a phase, each with the `features` of x from `feature` on at every tap:
/// columns [rows, taps, features]. x has `stride` features in all.
template <class T>
void conv_columns(const ConvPhase& phase, const T* x, int64_t stride, int64_t feature, int64_t features, int64_t begin,
                  int64_t rows, T* columns);

/// Rows of columns for a task: they should fit the second cache, and there should be tasks enough.
inline int64_t conv_block_rows(int64_t rows, int64_t depth) {
  int64_t block = 65536 / (depth > 0 ? depth : 1);
  block = block < 48 ? 48 : block > 192 ? 192 : block;
  const int64_t share = rows / 16 < 24 ? 24 : rows / 16;
  block = block < share ? block : share;
  return block / 12 * 12;
}

}  // namespace weft::cpu
