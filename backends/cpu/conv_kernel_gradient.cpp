#include <algorithm>

#include <weft/backends/cpu/conv.hpp>
#include <weft/backends/cpu/conv_depthwise.hpp>
#include <weft/backends/cpu/conv_lines.hpp>
#include <weft/backends/cpu/conv_pack.hpp>
#include <weft/backends/cpu/gemm.hpp>
#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/reduce_axes.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Outputs worked on together: their d_y, in the columns of a panel, stays in the first cache.
constexpr int64_t box_outputs = 160;

/// Window elements whose rows of the kernel's gradient are summed together: a row of them where the features of
/// neighbouring inputs lie side by side, else one.
struct Tap {
  size_t phase;
  int64_t j0, j1, j2, rows;
};

template <class T> struct KernelGradient {
  const ConvShape& shape;
  std::array<ConvAxis, 3> axes;
  ConvPhases phases;
  bool joined;  ///< taps are rows of window elements
  std::span<const Tap> taps;
  ConvPanels panels;
  const T *x, *d_y, *d_y_end;

  int64_t in() const { return shape.in_features / shape.groups; }
  int64_t out() const { return shape.out_features / shape.groups; }
  int64_t window_element(const Tap& tap) const {
    const auto& p = phases[tap.phase].axes;
    return phases[tap.phase].window_index((tap.j0 * p[1].taps + tap.j1) * p[2].taps + tap.j2, axes);
  }
};

/// Rows of d_y whose last register would reach beyond d_y, copied to `copy`.
template <class T>
const T* readable(const KernelGradient<T>& g, const T* from, int64_t length, int64_t step, int64_t size, int64_t width,
                  T* copy) {
  if (g.d_y_end - from >= (length - 1) * step + width) return from;
  for (int64_t r = 0; r < length; ++r) std::copy_n(from + r * step, size, copy + r * step);
  std::fill_n(copy + (length - 1) * step + size, width - size, T(0));
  return copy;
}

/// The share of the outputs of a box in the rows of one tap, columns of one panel, added to sums [rows, out] or written
/// there.
template <class T>
void add_box(const KernelGradient<T>& g, const ConvBox& box, const ConvLines<T>& lines, const Tap& tap, int64_t group,
             int64_t panel, T* sums, bool accumulate) {
  const ConvPhase& phase = g.phases[tap.phase];
  const PhaseAxis &a = phase.axes[0], &b = phase.axes[1], &c = phase.axes[2];
  const Range ta = outputs_within(a, {box.a, box.a + 1}), tb = outputs_within(b, box.b);
  Range tc = outputs_within(c, box.c);
  const int64_t origin = c.origin + tap.j2 * c.in_tap;
  if (!g.joined) {
    // Lines in place: only the outputs that see an input.
    auto first_from = [&](int64_t input) { return input <= origin ? 0 : (input - origin + c.in_step - 1) / c.in_step; };
    tc.begin = std::max(tc.begin, first_from(0));
    tc.end = std::min(tc.end, first_from(c.input));
  }
  auto* runs = static_cast<ConvRun<T>*>(
      scratch_bytes(ScratchUse::conv_runs, box.images.size() * tb.size() * static_cast<int64_t>(sizeof(ConvRun<T>))));
  ConvBlock<T> block;
  block.rows = tap.rows;
  block.runs = runs;
  block.a_row = 1;
  block.a_step = c.in_step * lines.step();
  block.b_step = c.step * g.shape.out_features;
  block.c_row = g.shape.out_features;
  block.accumulate = accumulate;
  const int64_t copy_size = tc.size() * block.b_step + g.panels.lanes;
  T* copies = scratch<T>(ScratchUse::conv_result, box.images.size() * tb.size() * copy_size);
  const int64_t i0 = a.origin + ta.begin * a.in_step + tap.j0 * a.in_tap;
  const bool inside = ta.size() * tc.size() > 0 && i0 >= 0 && i0 < a.input;
  const int64_t column = group * g.out() + g.panels.begin(panel);
  block.columns = g.panels.size(panel);
  block.c = sums + column;
  for (int64_t image = box.images.begin; inside && image < box.images.end; ++image)
    for (int64_t t1 = tb.begin; t1 < tb.end; ++t1) {
      const int64_t i1 = b.origin + t1 * b.in_step + tap.j1 * b.in_tap;
      if (i1 < 0 || i1 >= b.input) continue;
      const int64_t row =
          ((image * g.axes[0].output + box.a) * g.axes[1].output + b.first + t1 * b.step) * g.axes[2].output + c.first +
          tc.begin * c.step;
      runs[block.run_count] = {lines.at(image, i0, i1, origin + tc.begin * c.in_step) + group * g.in(),
                               readable(g, g.d_y + row * g.shape.out_features + column, tc.size(), block.b_step,
                                        block.columns, g.panels.width(panel), copies + block.run_count * copy_size),
                               tc.size()};
      ++block.run_count;
    }
  isa_kernels().conv.of<T>().product(block);
}

/// Lines of outputs too short for long runs: whole windows are gathered, a block of rows at a time.
template <class T> void from_gathered(const KernelGradient<T>& g, T* d_kernel) {
  const ConvPhase& phase = g.phases[0];
  const int64_t rows = g.shape.batch * phase.positions(), depth = phase.taps() * g.in();
  const int64_t block = std::clamp<int64_t>(65536 / std::max<int64_t>(1, depth), 96, 256);
  T* columns = scratch<T>(ScratchUse::conv_columns, block * depth);
  for (int64_t group = 0; group < g.shape.groups; ++group)
    for (int64_t from = 0; from < rows; from += block) {
      GemmArgs<T> product;
      product.m = depth;
      product.n = g.out();
      product.k = std::min(block, rows - from);
      parallel_chunks(product.k, 32, [&](int64_t first, int64_t last) {
        conv_columns(phase, g.x, g.shape.in_features, group * g.in(), g.in(), from + first, last - first,
                     columns + first * depth);
      });
      product.a = columns;
      product.a_row = 1;
      product.a_col = depth;
      product.b = g.d_y + from * g.shape.out_features + group * g.out();
      product.b_row = g.shape.out_features;
      product.c = d_kernel + group * g.out();
      product.c_row = g.shape.out_features;
      product.accumulate = from > 0;
      gemm(product);
    }
}

}  // namespace

template <class T> void conv_kernel_gradient(const ConvShape& whole, const T* x, const T* d_y, T* d_kernel) {
  if (is_depthwise(whole)) return depthwise_kernel_gradient(whole, x, d_y, d_kernel);
  ConvShape shape = whole;
  auto axes = three_axes(shape);
  auto phases = conv_phases(axes);
  const int64_t window = axes[0].window * axes[1].window * axes[2].window;
  const int64_t in = shape.in_features / shape.groups, out = shape.out_features / shape.groups;
  const int64_t size = window * in * shape.out_features;
  int64_t rows = shape.batch, seen = 0;
  for (const ConvAxis& axis : axes) rows *= axis.output;
  for (const ConvPhase& phase : phases) seen += phase.taps();
  if (rows == 0 || size == 0) {
    std::fill_n(d_kernel, size, T(0));
    return;
  }
  if (is_pointwise(shape, phases, axes)) {
    axes = {ConvAxis(), ConvAxis(), long_line(rows)};
    phases = conv_phases(axes);
    shape.batch = 1;
  }
  const auto& kernels = isa_kernels().conv.of<T>();
  KernelGradient<T> g{shape,
                      axes,
                      phases,
                      shape.groups == 1 && in < 8,
                      {},
                      {out, kernels.lanes, kernels.panel},
                      x,
                      d_y,
                      d_y + rows * shape.out_features};
  for (const ConvPhase& phase : phases) g.joined = g.joined && phase.axes[2].in_tap == 1 && phase.axes[2].tap_step == 1;
  auto* taps =
      static_cast<Tap*>(scratch_bytes(ScratchUse::conv_taps, (window + 1) * static_cast<int64_t>(sizeof(Tap))));
  size_t tap_count = 0;
  for (size_t number = 0; number < phases.size(); ++number) {
    const auto& p = phases[number].axes;
    if (phases[number].taps() == 0) continue;
    for (int64_t j0 = 0; j0 < p[0].taps; ++j0)
      for (int64_t j1 = 0; j1 < p[1].taps; ++j1)
        for (int64_t j2 = 0; j2 < (g.joined ? 1 : p[2].taps); ++j2)
          taps[tap_count++] = {number, j0, j1, j2, g.joined ? p[2].taps * in : in};
  }
  g.taps = {taps, tap_count};
  if (phases.size() == 1 && seen == window && is_short_line(phases[0], shape.batch)) return from_gathered(g, d_kernel);

  const int64_t bytes = shape.in_features * static_cast<int64_t>(sizeof(T));
  const ConvBoxes boxes(axes, shape.batch, bytes, 256 * 1024, box_outputs, box_outputs, 1, 1, 1);
  // Pieces of the outputs, whose sums are added at the end, and parts of the kernel: tasks enough for any number of
  // threads, with so few partial sums that they do not count.
  constexpr int64_t wanted_tasks = 24, near = 64 * 1024, most_elements = int64_t{4} << 20;
  const int64_t most_pieces = std::min({size <= near ? rows / 512 : rows / 1024, most_elements / size, int64_t{32}});
  const int64_t pieces = std::clamp<int64_t>(most_pieces, 1, boxes.count());
  const int64_t units = static_cast<int64_t>(g.taps.size()) * g.panels.count;
  const int64_t parts = std::clamp<int64_t>((wanted_tasks + pieces * shape.groups - 1) / (pieces * shape.groups), 1,
                                            std::max<int64_t>(1, units));
  T* partial = pieces == 1 ? d_kernel : scratch<T>(ScratchUse::conv_partial, pieces * size);
  if (seen < window) std::fill_n(partial, pieces * size, T(0));
  parallel_for(pieces * shape.groups * parts, [&](int64_t task) {
    const int64_t part = task % parts, group = task / parts % shape.groups, piece = task / parts / shape.groups;
    const int64_t first = boxes.count() * piece / pieces, end = boxes.count() * (piece + 1) / pieces;
    for (int64_t i = first; i < end; ++i) {
      const ConvBox box = boxes[i];
      const ConvLines<T> lines(phases, box, x, shape.in_features, 1, g.joined);
      // Panel by panel, so that a box's d_y in a panel stays in the first cache for all the taps.
      for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {
        const Tap& tap = g.taps[static_cast<size_t>(unit) % g.taps.size()];
        T* sums = partial + piece * size + g.window_element(tap) * in * shape.out_features;
        add_box(g, box, lines, tap, group, unit / static_cast<int64_t>(g.taps.size()), sums, i > first);
      }
    }
  });
  if (pieces > 1) reduce_axis(Reduction::sum, partial, 1, pieces, size, d_kernel);
}

template void conv_kernel_gradient(const ConvShape&, const float*, const float*, float*);
template void conv_kernel_gradient(const ConvShape&, const double*, const double*, double*);

}  // namespace weft::cpu
