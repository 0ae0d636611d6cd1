#include <weft/backends/cpu/conv_depthwise.hpp>

#include <algorithm>

#include <weft/backends/cpu/conv_lines.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/reduce_axes.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

constexpr int64_t least_task = 64 * 1024, wanted_tasks = 32;

int64_t window_of(const std::array<ConvAxis, 3>& axes) { return axes[0].window * axes[1].window * axes[2].window; }

ConvBoxes boxes_of(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, int64_t features, size_t element) {
  return ConvBoxes(axes, shape.batch, features * static_cast<int64_t>(element), 256 * 1024, int64_t{1} << 40, 1,
                   wanted_tasks, least_task, window_of(axes) * features);
}

/// Calls f(first row of outputs in y, tap count, number of outputs, inputs' step, step of y's rows) for every line of
/// outputs of a box, after add(number of the tap, window element, its first input) for the taps that lie inside x.
template <class T, class Add, class F>
void for_each_line(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, ConvPhases phases, const ConvBox& box,
                   const ConvLines<T>& lines, Add&& add, F&& f) {
  for (const ConvPhase& phase : phases) {
    const PhaseAxis &a = phase.axes[0], &b = phase.axes[1], &c = phase.axes[2];
    const Range ta = outputs_within(a, {box.a, box.a + 1}), tb = outputs_within(b, box.b),
                tc = outputs_within(c, box.c);
    if (ta.size() * tc.size() == 0) continue;
    for (int64_t t1 = tb.begin; t1 < tb.end; ++t1) {
      int64_t taps = 0;
      for (int64_t j = 0; j < phase.taps(); ++j) {
        const int64_t i0 = a.origin + ta.begin * a.in_step + j / (b.taps * c.taps) * a.in_tap,
                      i1 = b.origin + t1 * b.in_step + j / c.taps % b.taps * b.in_tap;
        if (i0 < 0 || i0 >= a.input || i1 < 0 || i1 >= b.input) continue;
        const int64_t i2 = c.origin + tc.begin * c.in_step + j % c.taps * c.in_tap;
        add(taps++, phase.window_index(j, axes), lines.at(box.images.begin, i0, i1, i2));
      }
      const int64_t row =
          ((box.images.begin * axes[0].output + box.a) * axes[1].output + b.first + t1 * b.step) * axes[2].output +
          c.first + tc.begin * c.step;
      f(row * shape.out_features, taps, tc.size(), c.in_step * lines.step(), c.step * shape.out_features);
    }
  }
}

}  // namespace

template <class T>
void depthwise_forward(const ConvShape& shape, const T* x, const T* kernel, int64_t tap, int64_t fold, T* y,
                       const ConvFinish<T>& finish) {
  const auto axes = three_axes(shape);
  const auto phases = conv_phases(axes);
  if (shape.batch == 0 || shape.out_features == 0 || phases.empty()) return;
  const int64_t features = shape.out_features * fold, repeat = features / shape.in_features;
  const ConvBoxes boxes = boxes_of(shape, axes, features, sizeof(T));
  parallel_for(boxes.count(), [&](int64_t task) {
    const ConvBox box = boxes[task];
    const ConvLines<T> lines(phases, box, x, shape.in_features, repeat);
    auto* runs = static_cast<ConvRun<T>*>(
        scratch_bytes(ScratchUse::conv_runs, window_of(axes) * static_cast<int64_t>(sizeof(ConvRun<T>))));
    ConvBlock<T> block;
    block.columns = features;
    block.runs = runs;
    block.bias = finish.bias;
    block.relu = finish.relu;
    auto add = [&](int64_t i, int64_t window_element, const T* from) {
      runs[i] = {from, kernel + window_element * tap, 1};
    };
    for_each_line(shape, axes, phases, box, lines, add,
                  [&](int64_t at, int64_t taps, int64_t count, int64_t x_step, int64_t y_step) {
                    block.run_count = taps;
                    block.rows = count;
                    block.a_row = x_step;
                    block.c = fold == 1 ? y + at : scratch<T>(ScratchUse::conv_result, count * features);
                    block.c_row = fold == 1 ? y_step : features;
                    isa_kernels().conv.of<T>().depthwise(block);
                    if (fold == 1) return;
                    for (int64_t r = 0; r < count; ++r)
                      for (int64_t i = 0; i < shape.out_features; ++i) {
                        const T* from = block.c + r * features + i * fold;
                        T sum = from[0];
                        for (int64_t k = 1; k < fold; ++k) sum += from[k];
                        y[at + r * y_step + i] = sum;
                      }
                  });
  });
}

template <class T> void depthwise_kernel_gradient(const ConvShape& shape, const T* x, const T* d_y, T* d_kernel) {
  const auto axes = three_axes(shape);
  const auto phases = conv_phases(axes);
  const int64_t features = shape.out_features, size = window_of(axes) * features;
  const ConvBoxes boxes = boxes_of(shape, axes, features, sizeof(T));
  const int64_t pieces = std::clamp<int64_t>(boxes.count(), 1, wanted_tasks);
  T* partial = pieces == 1 ? d_kernel : scratch<T>(ScratchUse::conv_partial, pieces * size);
  parallel_for(pieces, [&](int64_t piece) {
    T* sums = partial + piece * size;
    std::fill_n(sums, size, T(0));
    auto* taps = static_cast<DepthwiseTap<T>*>(
        scratch_bytes(ScratchUse::conv_runs, window_of(axes) * static_cast<int64_t>(sizeof(DepthwiseTap<T>))));
    const int64_t end = boxes.count() * (piece + 1) / pieces;
    for (int64_t i = boxes.count() * piece / pieces; i < end; ++i) {
      const ConvBox box = boxes[i];
      const ConvLines<T> lines(phases, box, x, shape.in_features, features / shape.in_features);
      auto add = [&](int64_t number, int64_t window_element, const T* from) {
        taps[number] = {from, sums + window_element * features};
      };
      for_each_line(shape, axes, phases, box, lines, add,
                    [&](int64_t at, int64_t count, int64_t length, int64_t x_step, int64_t y_step) {
                      isa_kernels().conv.of<T>().depthwise_gradient(taps, count, length, features, x_step, d_y + at,
                                                                    y_step);
                    });
    }
  });
  if (pieces > 1) reduce_axis(Reduction::sum, partial, 1, pieces, size, d_kernel);
}

#define WEFT_INSTANTIATE(T)                                                                                          \
  template void depthwise_forward(const ConvShape&, const T*, const T*, int64_t, int64_t, T*, const ConvFinish<T>&); \
  template void depthwise_kernel_gradient(const ConvShape&, const T*, const T*, T*);
WEFT_INSTANTIATE(float)
WEFT_INSTANTIATE(double)
#undef WEFT_INSTANTIATE

}  // namespace weft::cpu
