#include <algorithm>
#include <string>

#include <weft/autograd/ops/conv.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/repeat.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// The padding of the spread-out input along one axis; `reach` is the dilated window's length.
std::pair<int64_t, int64_t> transposed_padding(PaddingRule rule, int64_t reach, int64_t stride) {
  if (rule == PaddingRule::same) {
    const int64_t total = reach + stride - 2;
    const int64_t low = stride > reach - 1 ? reach - 1 : (total + 1) / 2;
    return {low, total - low};
  }
  return {reach - 1, stride - 1 + std::max<int64_t>(reach - stride, 0)};
}

/// Axis `axis` of y wrapped round a period: results that lie a multiple of it apart are added.
Tensor wrapped(const Tensor& y, int axis, int64_t period, bool extra_behind) {
  const int64_t length = y.shape()[axis];
  const int64_t missing = ((period - length) % (2 * period) + 2 * period) % (2 * period);
  std::vector<PadWidth> widths(static_cast<size_t>(y.rank()));
  PadWidth& width = widths[static_cast<size_t>(axis)];
  width = {(missing + 1) / 2, missing / 2};
  if (extra_behind) std::swap(width.first, width.second);
  Tensor padded = pad(y, widths);
  Shape blocks = padded.shape();
  blocks[axis] /= period;
  blocks.insert(axis + 1, period);
  return sum(reshape(padded, blocks), axis);
}

}  // namespace

Tensor conv_transpose(const Tensor& x, const Tensor& kernel, const ConvTransposeArguments& arguments) {
  const int axes = kernel.rank() - 2;
  if (axes < 1 || axes > 3 || x.rank() < axes + 1)
    throw ShapeError(
        "conv_transpose: expected x [batch..., space..., in] and kernel [window..., in, out] with one to three "
        "space axes, got x " +
        to_string(x.shape()) + " and kernel " + to_string(kernel.shape()));
  const PaddingRule rule = arguments.padding.rule;
  if (rule == PaddingRule::causal || rule == PaddingRule::reflect)
    throw ValueError("conv_transpose: expected valid, same, circular or exact padding");
  const Shape strides = per_space_axis(arguments.strides, axes, 1, "conv_transpose", "strides");
  const Shape dilation = per_space_axis(arguments.kernel_dilation, axes, 1, "conv_transpose", "kernel dilation");

  Tensor window = kernel;
  if (arguments.transpose_kernel) {
    Shape flipped;
    for (int axis = 0; axis < axes; ++axis) flipped.push_back(axis);
    window = swapaxes(flip(kernel, flipped), -1, -2);
  }
  Padding padding = arguments.padding;
  if (rule != PaddingRule::exact) {
    std::vector<std::pair<int64_t, int64_t>> pairs;
    for (int axis = 0; axis < axes; ++axis)
      pairs.push_back(transposed_padding(rule, (kernel.shape()[axis] - 1) * dilation[axis] + 1, strides[axis]));
    padding = Padding(std::move(pairs));
  }
  Tensor y = conv(x, window, {.padding = padding, .input_dilation = strides, .kernel_dilation = dilation});
  if (rule != PaddingRule::circular) return y;
  const int first = x.rank() - axes - 1;
  for (int axis = 0; axis < axes; ++axis)
    if (x.shape()[first + axis] > 0)
      y = wrapped(y, first + axis, x.shape()[first + axis] * strides[axis], arguments.transpose_kernel);
  return y;
}

}  // namespace weft
