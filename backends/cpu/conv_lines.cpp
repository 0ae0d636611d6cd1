#include <weft/backends/cpu/conv_lines.hpp>

#include <algorithm>

#include <weft/backends/cpu/scratch.hpp>

namespace weft::cpu {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a <= 0 ? -(-a / b) : (a + b - 1) / b; }

/// Inputs that `outputs` neighbouring outputs of an axis see, about.
int64_t reach(const ConvAxis& axis, int64_t outputs) {
  return ((outputs - 1) * axis.stride + (axis.window - 1) * axis.kernel_dilation) / axis.input_dilation + 1;
}

template <class T> T* copy_repeated(const T* from, int64_t count, int64_t repeat, T* to) {
  if (repeat == 1) return std::copy_n(from, count, to);
  for (int64_t i = 0; i < count; ++i) to = std::fill_n(to, repeat, from[i]);
  return to;
}

}  // namespace

ConvBoxes::ConvBoxes(const std::array<ConvAxis, 3>& axes, int64_t images, int64_t features, int64_t most_bytes,
                     int64_t most_outputs, int64_t least_outputs, int64_t wanted, int64_t least_work, int64_t work)
    : images(images),
      outputs{axes[0].output, axes[1].output, axes[2].output},
      height(std::max<int64_t>(1, outputs[1])),
      width(std::max<int64_t>(1, outputs[2])) {
  // Widths that tiles of every height divide, in every phase.
  const int64_t piece = 24 * axes[2].input_dilation;
  auto bytes = [&] { return axes[0].window * reach(axes[1], height) * reach(axes[2], width) * features; };
  for (;;) {
    const bool large = height * width > most_outputs || bytes() > most_bytes;
    const bool few = count() < wanted && height * width * work >= 2 * least_work;
    if (!large && !few) break;
    if (height > 1) height = (height + 1) / 2;
    else if (width > piece) width = ((width + 1) / 2 + piece - 1) / piece * piece;
    else break;
  }
  if (height >= outputs[1] && width >= outputs[2])
    while (2 * depth * height * width <= least_outputs && 2 * depth * bytes() <= most_bytes && count() >= 2 * wanted &&
           2 * depth <= images)
      depth *= 2;
}

ConvBox ConvBoxes::operator[](int64_t index) const {
  auto range = [](int64_t begin, int64_t size, int64_t end) { return Range{begin, std::min(begin + size, end)}; };
  const int64_t c = index % across() * width, b = index / across() % down() * height;
  index /= across() * down();
  return {range(index / outputs[0] * depth, depth, images), index % outputs[0], range(b, height, outputs[1]),
          range(c, width, outputs[2])};
}

Range outputs_within(const PhaseAxis& axis, Range outputs) {
  auto first_from = [&](int64_t output) {
    return std::clamp<int64_t>(ceil_div(output - axis.first, axis.step), 0, axis.count);
  };
  return {first_from(outputs.begin), first_from(outputs.end)};
}

Range inputs_of(const PhaseAxis& axis, Range t) {
  if (t.size() == 0 || axis.taps == 0) return {};
  return {axis.origin + t.begin * axis.in_step,
          axis.origin + (t.end - 1) * axis.in_step + (axis.taps - 1) * axis.in_tap + 1};
}

template <class T>
ConvLines<T>::ConvLines(ConvPhases phases, const ConvBox& box, const T* x, int64_t features, int64_t repeat,
                        bool padded) {
  Range needed[3];
  for (const ConvPhase& phase : phases) {
    const Range t[3] = {outputs_within(phase.axes[0], {box.a, box.a + 1}), outputs_within(phase.axes[1], box.b),
                        outputs_within(phase.axes[2], box.c)};
    if (t[0].size() * t[1].size() * t[2].size() * phase.taps() == 0) continue;
    for (size_t i = 0; i < 3; ++i) needed[i].include(inputs_of(phase.axes[i], t[i]));
  }
  const auto& axes = phases.front().axes;
  const int64_t image_size = axes[0].input * axes[1].input * axes[2].input * features;
  step_ = features * repeat;
  if (!padded || (repeat == 1 && needed[2].begin >= 0 && needed[2].end <= axes[2].input)) {
    data_ = x;
    image_ = image_size;
    b_ = axes[2].input * features;
    a_ = axes[1].input * b_;
    origin_ = 0;
    return;
  }
  for (size_t i = 0; i < 2; ++i) {
    needed[i].begin = std::max<int64_t>(needed[i].begin, 0);
    needed[i].end = std::clamp(needed[i].end, needed[i].begin, axes[i].input);
  }
  b_ = needed[2].size() * step_;
  a_ = needed[1].size() * b_;
  image_ = needed[0].size() * a_;
  origin_ = box.images.begin * image_ + needed[0].begin * a_ + needed[1].begin * b_ + needed[2].begin * step_;
  T* copy = scratch<T>(ScratchUse::conv_lines, box.images.size() * image_);
  data_ = copy;
  const int64_t from = std::min(std::max<int64_t>(needed[2].begin, 0), needed[2].end),
                to = std::clamp(axes[2].input, from, needed[2].end);
  for (int64_t image = box.images.begin; image < box.images.end; ++image)
    for (int64_t i0 = needed[0].begin; i0 < needed[0].end; ++i0)
      for (int64_t i1 = needed[1].begin; i1 < needed[1].end; ++i1) {
        const T* line = x + image * image_size + (i0 * axes[1].input + i1) * axes[2].input * features;
        copy = std::fill_n(copy, (from - needed[2].begin) * step_, T(0));
        copy = copy_repeated(line + from * features, (to - from) * features, repeat, copy);
        copy = std::fill_n(copy, (needed[2].end - to) * step_, T(0));
      }
}

template class ConvLines<float>;
template class ConvLines<double>;

}  // namespace weft::cpu
