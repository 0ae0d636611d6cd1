#pragma once

#include <array>

#include <weft/backends/cpu/conv_phases.hpp>

namespace weft::cpu {

struct Range {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end > begin ? end - begin : 0; }
  void include(Range other) {
    if (other.size() == 0) return;
    if (size() == 0) *this = other;
    else *this = {other.begin < begin ? other.begin : begin, other.end > end ? other.end : end};
  }
};

/// Outputs that are worked on together: of some images (one, unless the box holds all outputs at `a`), at one place of
/// the first axis, ranges of the other two.
struct ConvBox {
  Range images;
  int64_t a;
  Range b, c;
};

/// All outputs cut into boxes of the same size, but for the last ones.
struct ConvBoxes {
  int64_t images, outputs[3], height, width, depth = 1;

  /// Boxes of at most `most_bytes` of input and `most_outputs`, small enough for `wanted` of them as long as each has
  /// `least_work` multiply-adds. `features`: of an input, in bytes; `work`: multiply-adds of an output. Small images
  /// share a box while it stays within `least_outputs`, and `wanted` boxes remain.
  ConvBoxes(const std::array<ConvAxis, 3>& axes, int64_t images, int64_t features, int64_t most_bytes,
            int64_t most_outputs, int64_t least_outputs, int64_t wanted, int64_t least_work, int64_t work);
  int64_t count() const { return (images + depth - 1) / depth * outputs[0] * down() * across(); }
  ConvBox operator[](int64_t index) const;

 private:
  int64_t down() const { return (outputs[1] + height - 1) / height; }
  int64_t across() const { return (outputs[2] + width - 1) / width; }
};

/// Which of a phase's outputs along an axis lie in `outputs`.
Range outputs_within(const PhaseAxis& axis, Range outputs);

/// The inputs along an axis that the phase's outputs t see, those outside of x included.
Range inputs_of(const PhaseAxis& axis, Range t);

/// The lines of x [images, space..., features] along the last axis that a box needs: in place, or copied with zeros
/// around them where the box sees beyond their ends and `padded`.
template <class T> class ConvLines {
 public:
  /// `repeat`: every feature that many times, side by side.
  ConvLines(ConvPhases phases, const ConvBox& box, const T* x, int64_t features, int64_t repeat, bool padded = true);

  /// Elements between neighbouring inputs of a line.
  int64_t step() const { return step_; }
  /// Input (i0, i1, i2) of an image of the box; the first two inside x, the last within what the box needs.
  const T* at(int64_t image, int64_t i0, int64_t i1, int64_t i2) const {
    return data_ + (image * image_ + i0 * a_ + i1 * b_ + i2 * step_ - origin_);
  }

 private:
  const T* data_;
  int64_t image_, a_, b_, step_, origin_;
};

}  // namespace weft::cpu
