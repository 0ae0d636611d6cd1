#include <algorithm>

#include <weft/backends/cpu/conv.hpp>
#include <weft/backends/cpu/conv_depthwise.hpp>
#include <weft/backends/cpu/conv_lines.hpp>
#include <weft/backends/cpu/conv_pack.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Multiply-adds that make a task worth handing out, and tasks enough for any number of threads.
constexpr int64_t least_task = 128 * 1024, wanted_tasks = 32;
/// Elements of the kernel that are used together.
constexpr int64_t most_kernel = 96 * 1024;

/// A convolution being computed, forward or as the gradient of the input.
template <class T> struct Product {
  const ConvShape& shape;
  std::array<ConvAxis, 3> axes;
  ConvPhases phases;
  const T* x;
  const PackedKernel<T>& kernel;
  const ConvPanels& panels;
  ConvFinish<T> finish;
  T* y;

  int64_t in() const { return shape.in_features / shape.groups; }
  int64_t out() const { return shape.out_features / shape.groups; }

  /// Result, panel of the kernel and finish of the block, whose first row is row `row` of y.
  void aim(ConvBlock<T>& block, T* first, int64_t group, int64_t panel, bool last = true) const {
    const int64_t column = group * out() + panels.begin(panel);
    block.columns = panels.size(panel);
    block.b_step = panels.width(panel);
    block.c = first + column;
    block.bias = last && finish.bias ? finish.bias + column : nullptr;
    block.relu = last && finish.relu;
  }
};

/// The runs over the inputs that output (t0, t1, t2) of the phase sees, in the window's lines [from, to): a run covers
/// neighbouring inputs where their features are neighbours too. Inputs outside of x along the first two axes are left
/// out.
template <class T>
int64_t runs_of(const Product<T>& p, const ConvPhase& phase, const ConvLines<T>& lines, Range window, int64_t image,
                int64_t group, int64_t t0, int64_t t1, int64_t t2, const T* kernel, int64_t width, ConvRun<T>* runs) {
  const PhaseAxis &a = phase.axes[0], &b = phase.axes[1], &c = phase.axes[2];
  const bool joined = c.in_tap == 1 && p.shape.groups == 1;
  const int64_t in = p.in(), i2 = c.origin + t2 * c.in_step;
  int64_t count = 0;
  for (int64_t j = window.begin; j < window.end; ++j) {
    const int64_t i0 = a.origin + t0 * a.in_step + j / b.taps * a.in_tap;
    const int64_t i1 = b.origin + t1 * b.in_step + j % b.taps * b.in_tap;
    if (i0 < 0 || i0 >= a.input || i1 < 0 || i1 >= b.input) continue;
    const T* rows = kernel + j * c.taps * in * width;
    if (joined) {
      runs[count++] = {lines.at(image, i0, i1, i2), rows, c.taps * in};
      continue;
    }
    for (int64_t j2 = 0; j2 < c.taps; ++j2)
      runs[count++] = {lines.at(image, i0, i1, i2 + j2 * c.in_tap) + group * in, rows + j2 * in * width, in};
  }
  return count;
}

/// The outputs of a box, in the columns of some panels (of all groups, one after the other).
template <class T> void compute_box(const Product<T>& p, const ConvBox& box, Range panels) {
  const auto& kernels = isa_kernels().conv.of<T>();
  const ConvLines<T> lines(p.phases, box, p.x, p.shape.in_features, 1);
  int64_t window = 1;
  for (const ConvAxis& axis : p.axes) window *= axis.window;
  auto* runs =
      static_cast<ConvRun<T>*>(scratch_bytes(ScratchUse::conv_runs, window * static_cast<int64_t>(sizeof(ConvRun<T>))));
  ConvBlock<T> block;
  block.runs = runs;
  for (size_t number = 0; number < p.phases.size(); ++number) {
    const ConvPhase& phase = p.phases[number];
    const PhaseAxis &b = phase.axes[1], &c = phase.axes[2];
    const Range ta = outputs_within(phase.axes[0], {box.a, box.a + 1}), tb = outputs_within(b, box.b),
                tc = outputs_within(c, box.c);
    if (ta.size() * tc.size() == 0) continue;
    block.rows = tc.size();
    block.a_row = c.in_step * lines.step();
    block.c_row = c.step * p.shape.out_features;
    for (int64_t unit = panels.begin; unit < panels.end; ++unit) {
      const int64_t group = unit / p.panels.count, panel = unit % p.panels.count;
      const T* kernel = p.kernel.at(number, group, panel);
      // So many of the window's lines at a time that their part of the kernel stays in the second cache.
      const int64_t window_lines = c.taps > 0 ? phase.axes[0].taps * b.taps : 0,
                    line_size = c.taps * p.in() * p.panels.width(panel);
      const int64_t piece = std::max<int64_t>(1, most_kernel / std::max<int64_t>(1, line_size));
      for (int64_t from = 0; from == 0 || from < window_lines; from += piece) {
        const Range part{from, std::min(from + piece, window_lines)};
        block.accumulate = from > 0;
        for (int64_t image = box.images.begin; image < box.images.end; ++image)
          for (int64_t t1 = tb.begin; t1 < tb.end; ++t1) {
            const int64_t row =
                ((image * p.axes[0].output + box.a) * p.axes[1].output + b.first + t1 * b.step) * p.axes[2].output +
                c.first + tc.begin * c.step;
            p.aim(block, p.y + row * p.shape.out_features, group, panel, part.end == window_lines);
            block.run_count =
                runs_of(p, phase, lines, part, image, group, ta.begin, t1, tc.begin, kernel, block.b_step, runs);
            kernels.product(block);
          }
      }
    }
  }
}

/// The same for a phase whose lines of outputs are too short for a tile: rows of whole windows are gathered first.
template <class T>
void compute_gathered(const Product<T>& p, size_t number, int64_t begin, int64_t rows, int64_t group, bool only_phase) {
  const ConvPhase& phase = p.phases[number];
  const int64_t depth = phase.taps() * p.in(), out = p.shape.out_features;
  T* columns = scratch<T>(ScratchUse::conv_columns, rows * depth);
  conv_columns(phase, p.x, p.shape.in_features, group * p.in(), p.in(), begin, rows, columns);
  T* result = only_phase ? p.y + begin * out : scratch<T>(ScratchUse::conv_result, rows * out);
  for (int64_t panel = 0; panel < p.panels.count; ++panel) {
    const ConvRun<T> run{columns, p.kernel.at(number, group, panel), depth};
    ConvBlock<T> block;
    block.runs = &run;
    block.run_count = 1;
    block.rows = rows;
    block.a_row = depth;
    block.c_row = out;
    p.aim(block, result, group, panel);
    isa_kernels().conv.of<T>().product(block);
  }
  if (only_phase) return;
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(result + r * out + group * p.out(), p.out(),
                p.y + phase.output_row(begin + r, p.axes) * out + group * p.out());
}

template <class T>
void run(ConvShape shape, const T* x, const KernelView<T>& kernel, const ConvFinish<T>& finish, T* y) {
  auto axes = three_axes(shape);
  auto phases = conv_phases(axes);
  if (shape.batch == 0 || shape.out_features == 0 || phases.empty()) return;
  if (is_pointwise(shape, phases, axes)) {
    axes = {ConvAxis(), ConvAxis(), long_line(shape.batch * phases[0].positions())};
    phases = conv_phases(axes);
    shape.batch = 1;
  }
  const auto& kernels = isa_kernels().conv.of<T>();
  const int64_t in = shape.in_features / shape.groups, out = shape.out_features / shape.groups;
  const ConvPanels panels(out, kernels.lanes, kernels.panel);
  const PackedKernel<T> packed(axes, phases, kernel, shape.groups, in, panels);
  const Product<T> product{shape, axes, phases, x, packed, panels, finish, y};
  const int64_t window = axes[0].window * axes[1].window * axes[2].window;
  const int64_t units = panels.count * shape.groups;

  if (is_short_line(phases[0], shape.batch)) {
    for (size_t number = 0; number < phases.size(); ++number) {
      const int64_t rows = shape.batch * phases[number].positions(),
                    block = conv_block_rows(rows, phases[number].taps() * in);
      const int64_t blocks = (rows + block - 1) / block;
      parallel_for(blocks * shape.groups, [&, number](int64_t task) {
        const int64_t begin = task / shape.groups * block;
        compute_gathered(product, number, begin, std::min(block, rows - begin), task % shape.groups,
                         phases.size() == 1);
      });
    }
    return;
  }
  const int64_t work = std::max<int64_t>(1, window * in * shape.out_features / static_cast<int64_t>(phases.size()));
  // A large kernel should serve many outputs each time it is read, so then rather its columns are shared out.
  const bool large = window * in * out > 4 * most_kernel;
  const ConvBoxes boxes(axes, shape.batch, shape.in_features * static_cast<int64_t>(sizeof(T)), 256 * 1024,
                        int64_t{1} << 40, large ? 256 : 1, large ? (wanted_tasks + units - 1) / units : wanted_tasks,
                        least_task, work);
  int64_t parts = 1;
  while (boxes.count() * parts < wanted_tasks && parts < units &&
         boxes.depth * boxes.height * boxes.width * work / parts >= 2 * least_task)
    ++parts;
  parallel_for(boxes.count() * parts, [&](int64_t task) {
    const int64_t part = task % parts;
    compute_box(product, boxes[task / parts], {units * part / parts, units * (part + 1) / parts});
  });
}

}  // namespace

template <class T>
void conv_forward(const ConvShape& shape, const T* x, const T* kernel, T* y, const ConvFinish<T>& finish) {
  const int64_t in = shape.in_features / shape.groups, out = shape.out_features / shape.groups;
  if (is_depthwise(shape)) return depthwise_forward(shape, x, kernel, shape.out_features, 1, y, finish);
  run<T>(shape, x, {kernel, in * shape.out_features, shape.out_features, 1, out}, finish, y);
}

/// A convolution of d_y, spread out by the stride, with the flipped kernel, its features exchanged.
template <class T> void conv_input_gradient(const ConvShape& shape, const T* kernel, const T* d_y, T* d_x) {
  ConvShape turned = shape;
  int64_t window = 1;
  for (int i = 0; i < shape.axes; ++i) {
    const ConvAxis& axis = shape.axis[i];
    turned.axis[i] = {axis.output,
                      axis.window,
                      axis.input,
                      axis.input_dilation,
                      (axis.window - 1) * axis.kernel_dilation - axis.low,
                      axis.stride,
                      axis.kernel_dilation};
    window *= axis.window;
  }
  turned.in_features = shape.out_features;
  turned.out_features = shape.in_features;
  const int64_t in = shape.in_features / shape.groups, out = shape.out_features / shape.groups;
  const int64_t tap = in * shape.out_features;
  const T* last = kernel + (window - 1) * tap;
  if (is_depthwise(shape)) return depthwise_forward<T>(turned, d_y, last, -tap, out, d_x, {});
  run<T>(turned, d_y, {last, -tap, 1, shape.out_features, out}, {}, d_x);
}

template void conv_forward(const ConvShape&, const float*, const float*, float*, const ConvFinish<float>&);
template void conv_forward(const ConvShape&, const double*, const double*, double*, const ConvFinish<double>&);
template void conv_input_gradient(const ConvShape&, const float*, const float*, float*);
template void conv_input_gradient(const ConvShape&, const double*, const double*, double*);

}  // namespace weft::cpu
