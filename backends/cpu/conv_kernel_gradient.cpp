#include <algorithm>

#include <weft/backends/cpu/conv.hpp>
#include <weft/backends/cpu/conv_depthwise.hpp>
#include <weft/backends/cpu/conv_phases.hpp>
#include <weft/backends/cpu/gemm.hpp>
#include <weft/backends/cpu/reduce_axes.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Into how many pieces the rows are split, each with a partial gradient of `size` elements that are added in order.
int64_t row_pieces(int64_t rows, int64_t size) {
  constexpr int64_t most_elements = int64_t{4} << 20;
  return std::clamp<int64_t>(rows / 256, 1, std::clamp<int64_t>(most_elements / std::max<int64_t>(1, size), 1, 16));
}

/// partial [taps, in / groups, out], columns of one group: the rows' windows, transposed, times their d_y.
template <class T>
void gradient_of_rows(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase, bool whole,
                      int64_t group, int64_t begin, int64_t end, const T* x, const T* d_y, T* partial) {
  const int64_t in = shape.in_features / shape.groups, out = shape.out_features / shape.groups;
  const int64_t depth = phase.taps() * in;
  const bool in_place = whole && phase.is_identity(axes);
  const int64_t block =
      in_place ? std::max<int64_t>(1, end - begin) : std::clamp<int64_t>(65536 / std::max<int64_t>(1, depth), 96, 256);
  GemmArgs<T> product;
  product.m = depth;
  product.n = out;
  product.c = partial + group * out;
  product.c_row = shape.out_features;
  if (begin >= end) gemm(product);
  for (int64_t from = begin; from < end; from += block) {
    product.k = std::min(block, end - from);
    product.accumulate = from > begin;
    if (in_place) {
      product.a = x + from * shape.in_features + group * in;
      product.a_col = shape.in_features;
    } else {
      T* columns = scratch<T>(ScratchUse::conv_columns, block * depth);
      parallel_chunks(product.k, 32, [&](int64_t first, int64_t last) {
        conv_columns(phase, x, shape.in_features, group * in, in, from + first, last - first, columns + first * depth);
      });
      product.a = columns;
      product.a_col = depth;
    }
    product.a_row = 1;
    if (whole) {
      product.b = d_y + from * shape.out_features + group * out;
      product.b_row = shape.out_features;
    } else {
      T* rows = scratch<T>(ScratchUse::conv_result, block * out);
      for (int64_t r = 0; r < product.k; ++r)
        std::copy_n(d_y + phase.output_row(from + r, axes) * shape.out_features + group * out, out, rows + r * out);
      product.b = rows;
      product.b_row = out;
    }
    gemm(product);
  }
}

template <class T>
void phase_kernel_gradient(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase,
                           bool whole, const T* x, const T* d_y, T* d_kernel) {
  const int64_t tap_size = shape.in_features / shape.groups * shape.out_features;
  const bool depthwise = is_depthwise(shape);
  const int64_t taps = depthwise ? axes[0].window * axes[1].window * axes[2].window : phase.taps();
  const int64_t rows = shape.batch * phase.positions(), size = taps * tap_size;
  const int64_t pieces = row_pieces(rows, size), piece = (rows + pieces - 1) / pieces;
  const bool to_place = whole && pieces == 1;
  T* partial = to_place ? d_kernel : scratch<T>(ScratchUse::conv_partial, (pieces + 1) * size);
  const int64_t groups = depthwise ? 1 : shape.groups;
  parallel_for(pieces * groups, [&](int64_t task) {
    const int64_t group = task % groups, begin = std::min(rows, task / groups * piece),
                  end = std::min(rows, begin + piece);
    T* to = partial + task / groups * size;
    if (depthwise) {
      std::fill_n(to, size, T(0));
      depthwise_kernel_gradient(shape, axes, phase, begin, end, x, d_y, to);
    } else {
      gradient_of_rows(shape, axes, phase, whole, group, begin, end, x, d_y, to);
    }
  });
  if (to_place) return;
  T* sum = whole ? d_kernel : partial + pieces * size;
  reduce_axis(Reduction::sum, partial, 1, pieces, size, sum);
  if (whole) return;
  for (int64_t j = 0; j < taps; ++j) {
    T* to = d_kernel + (depthwise ? j : phase.window_index(j, axes)) * tap_size;
    for (int64_t i = 0; i < tap_size; ++i) to[i] += sum[j * tap_size + i];
  }
}

}  // namespace

template <class T> void conv_kernel_gradient(const ConvShape& shape, const T* x, const T* d_y, T* d_kernel) {
  const auto axes = three_axes(shape);
  const auto phases = conv_phases(axes);
  const int64_t window = axes[0].window * axes[1].window * axes[2].window;
  // One phase may still leave out taps that only ever meet zeros.
  const bool whole = phases.size() == 1 && phases[0].taps() == window;
  if (!whole) std::fill_n(d_kernel, window * (shape.in_features / shape.groups) * shape.out_features, T(0));
  for (const ConvPhase& phase : phases) phase_kernel_gradient(shape, axes, phase, whole, x, d_y, d_kernel);
}

template void conv_kernel_gradient(const ConvShape&, const float*, const float*, float*);
template void conv_kernel_gradient(const ConvShape&, const double*, const double*, double*);

}  // namespace weft::cpu
