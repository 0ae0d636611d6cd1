#include <weft/backends/cuda/cudnn/conv_plan.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include <weft/core/tensor.hpp>

namespace weft::cuda {
namespace {

/// x [batch, space..., features] as cuDNN sees it.
CudnnTensor features_last(const Shape& x) {
  const int space = x.rank() - 2;
  CudnnTensor tensor{{x[0], x.back()}, {}};
  if (space == 1) tensor.extents.push_back(1);
  for (int axis = 0; axis < space; ++axis) tensor.extents.push_back(x[axis + 1]);
  tensor.strides.resize(tensor.extents.size());
  int64_t stride = tensor.extents[1];
  tensor.strides[1] = 1;
  for (size_t axis = tensor.extents.size() - 1; axis >= 2; --axis) {
    tensor.strides[axis] = stride;
    stride *= tensor.extents[axis];
  }
  tensor.strides[0] = stride;
  return tensor;
}

/// The filter's extents with the strides of kernel [window..., in, out].
CudnnTensor as_kernel(CudnnTensor filter) {
  const int64_t out = filter.extents[0], in = filter.extents[1];
  filter.strides[0] = 1;
  filter.strides[1] = out;
  int64_t stride = in * out;
  for (size_t axis = filter.extents.size() - 1; axis >= 2; --axis) {
    filter.strides[axis] = stride;
    stride *= filter.extents[axis];
  }
  return filter;
}

std::vector<int64_t> per_axis(const Shape& values, int64_t of_added_axis) {
  std::vector<int64_t> result;
  if (values.rank() == 1) result.push_back(of_added_axis);
  result.insert(result.end(), values.begin(), values.end());
  return result;
}

bool serves(const Tensor& tensor) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  constexpr uintptr_t alignment = 16;
  return tensor.elements() > 0 && tensor.elements() <= most &&
         (!tensor.raw() || reinterpret_cast<uintptr_t>(tensor.raw()) % alignment == 0);
}

bool all_are(const Shape& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [&](int64_t each) { return each == value; });
}

/// The convolution from y to x whose gradient with respect to its input `g` is: its filter is flipped, and its padding
/// is what is missing to a window's length.
std::optional<ConvGeometry> transposed(const ConvGeometry& g, const Shape& kernel) {
  if (!all_are(g.strides, 1) || g.groups != 1) return std::nullopt;
  ConvGeometry back = g;
  back.strides = g.input_dilation;
  back.input_dilation = g.strides;
  for (int axis = 0; axis < g.strides.rank(); ++axis) {
    const int64_t reach = (kernel[axis] - 1) * g.kernel_dilation[axis];
    back.low[axis] = reach - g.low[axis];
    back.high[axis] = reach - g.high[axis];
  }
  return back;
}

/// The kernel with the window flipped, and in and out exchanged.
void flip(CudnnConv& conv, const CudnnTensor& kernel) {
  conv.kernel = kernel;
  std::swap(conv.kernel.extents[0], conv.kernel.extents[1]);
  std::swap(conv.kernel.strides[0], conv.kernel.strides[1]);
  for (size_t axis = 2; axis < kernel.extents.size(); ++axis) {
    conv.kernel_offset += (kernel.extents[axis] - 1) * kernel.strides[axis];
    conv.kernel.strides[axis] = -kernel.strides[axis];
  }
}

/// features_last() of [out, window..., in].
CudnnTensor filter_of(const Shape& kernel, int64_t out, int64_t in) {
  Shape filter{out};
  for (int axis = 0; axis < kernel.rank() - 2; ++axis) filter.push_back(kernel[axis]);
  filter.push_back(in);
  return features_last(filter);
}

}  // namespace

std::vector<int64_t> CudnnConv::key() const {
  std::vector<int64_t> key;
  for (const std::vector<int64_t>* part : {&x.extents, &filter.extents, &low, &high, &strides, &dilations})
    key.insert(key.end(), part->begin(), part->end());
  return key;
}

int64_t CudnnConv::filter_elements() const {
  int64_t elements = 1;
  for (int64_t extent : filter.extents) elements *= extent;
  return elements;
}

std::optional<CudnnConv> plan_cudnn_conv(const ConvGeometry& geometry, const Tensor& x, const Tensor& kernel,
                                         const Tensor& y) {
  if (!serves(x) || !serves(kernel) || !serves(y)) return std::nullopt;
  const int64_t in = kernel.size(-2), out = kernel.size(-1);
  CudnnConv conv;
  conv.transposed = !all_are(geometry.input_dilation, 1);
  const std::optional<ConvGeometry> told = conv.transposed ? transposed(geometry, kernel.shape()) : geometry;
  if (!told) return std::nullopt;
  for (int axis = 0; axis < told->strides.rank(); ++axis)
    if (told->low[axis] < 0 || told->high[axis] < 0) return std::nullopt;

  conv.x = features_last(conv.transposed ? y.shape() : x.shape());
  conv.y = features_last(conv.transposed ? x.shape() : y.shape());
  conv.kernel = as_kernel(filter_of(kernel.shape(), out, in));
  if (conv.transposed) flip(conv, CudnnTensor(conv.kernel));
  conv.filter = filter_of(kernel.shape(), conv.transposed ? in : out, conv.transposed ? out : in);
  conv.low = per_axis(told->low, 0);
  conv.high = per_axis(told->high, 0);
  conv.strides = per_axis(told->strides, 1);
  conv.dilations = per_axis(told->kernel_dilation, 1);
  return conv;
}

}  // namespace weft::cuda
