#include <algorithm>

#include <weft/backends/cpu/conv.hpp>
#include <weft/backends/cpu/conv_depthwise.hpp>
#include <weft/backends/cpu/conv_phases.hpp>
#include <weft/backends/cpu/gemm.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// The kernel's rows of a phase's taps, [taps, in / groups, out]: in place where they are all of them.
template <class T>
const T* phase_kernel(const ConvPhase& phase, const std::array<ConvAxis, 3>& axes, const T* kernel, int64_t tap_size) {
  const int64_t taps = phase.taps();
  if (taps == axes[0].window * axes[1].window * axes[2].window) return kernel;
  T* picked = scratch<T>(ScratchUse::conv_kernel, taps * tap_size);
  for (int64_t j = 0; j < taps; ++j)
    std::copy_n(kernel + phase.window_index(j, axes) * tap_size, tap_size, picked + j * tap_size);
  return picked;
}

template <class T>
void phase_forward(const ConvShape& shape, const std::array<ConvAxis, 3>& axes, const ConvPhase& phase, bool only_phase,
                   const T* x, const T* whole_kernel, T* y) {
  const int64_t in = shape.in_features / shape.groups, out = shape.out_features / shape.groups;
  const int64_t rows = shape.batch * phase.positions(), depth = phase.taps() * in;
  if (rows == 0) return;
  const T* kernel = phase_kernel(phase, axes, whole_kernel, in * shape.out_features);
  GemmArgs<T> product;
  product.n = out;
  product.k = depth;
  product.b_row = shape.out_features;
  if (only_phase && phase.is_identity(axes)) {
    product.m = rows;
    product.a_row = shape.in_features;
    product.c_row = shape.out_features;
    for (int64_t group = 0; group < shape.groups; ++group) {
      product.a = x + group * in;
      product.b = kernel + group * out;
      product.c = y + group * out;
      gemm(product);
    }
    return;
  }
  const int64_t block = conv_block_rows(rows, depth), blocks = (rows + block - 1) / block;
  parallel_for(blocks * shape.groups, [&](int64_t task) {
    const int64_t group = task % shape.groups, begin = task / shape.groups * block;
    GemmArgs<T> part = product;
    part.m = std::min(block, rows - begin);
    T* columns = scratch<T>(ScratchUse::conv_columns, block * depth);
    conv_columns(phase, x, shape.in_features, group * in, in, begin, part.m, columns);
    part.a = columns;
    part.a_row = depth;
    part.b = kernel + group * out;
    if (only_phase) {
      part.c = y + begin * shape.out_features + group * out;
      part.c_row = shape.out_features;
      gemm(part);
      return;
    }
    T* result = scratch<T>(ScratchUse::conv_result, block * out);
    part.c = result;
    part.c_row = out;
    gemm(part);
    for (int64_t r = 0; r < part.m; ++r)
      std::copy_n(result + r * out, out, y + phase.output_row(begin + r, axes) * shape.out_features + group * out);
  });
}

}  // namespace

template <class T> void conv_forward(const ConvShape& shape, const T* x, const T* kernel, T* y) {
  if (shape.batch == 0 || shape.out_features == 0) return;
  const auto axes = three_axes(shape);
  const auto phases = conv_phases(axes);
  for (const ConvPhase& phase : phases) {
    if (is_depthwise(shape)) depthwise_forward(shape, axes, phase, x, kernel, y);
    else phase_forward(shape, axes, phase, phases.size() == 1, x, kernel, y);
  }
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
  T* flipped = scratch<T>(ScratchUse::conv_flipped, window * out * shape.in_features);
  parallel_for(window, [&](int64_t w) {
    const T* from = kernel + (window - 1 - w) * in * shape.out_features;
    T* to = flipped + w * out * shape.in_features;
    for (int64_t o = 0; o < out; ++o)
      for (int64_t group = 0; group < shape.groups; ++group)
        for (int64_t i = 0; i < in; ++i) *to++ = from[i * shape.out_features + group * out + o];
  });
  conv_forward(turned, d_y, flipped, d_x);
}

template void conv_forward(const ConvShape&, const float*, const float*, float*);
template void conv_forward(const ConvShape&, const double*, const double*, double*);
template void conv_input_gradient(const ConvShape&, const float*, const float*, float*);
template void conv_input_gradient(const ConvShape&, const double*, const double*, double*);

}  // namespace weft::cpu
