#include <weft/autograd/ops/conv.hpp>

#include <algorithm>
#include <vector>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

/// Space axes filled up to three in front, with extent 1.
struct Space3 {
  explicit Space3(const Shape& space, int64_t filled = 1) {
    for (int axis = 0; axis < 3; ++axis) {
      int own = axis - (3 - space.rank());
      extent[axis] = own < 0 ? filled : space[own];
    }
  }
  int64_t operator[](int axis) const { return extent[axis]; }
  int64_t elements() const { return extent[0] * extent[1] * extent[2]; }
  int64_t extent[3];
};

/// Calls f(batch entry, flat position in y, flat position in x, flat position in the window) for every product that the
/// convolution sums.
template <class F>
void for_each_tap(const ConvGeometry& g, int64_t batch, const Shape& space, const Shape& window, const Shape& positions,
                  F&& f) {
  const Space3 x(space), w(window), y(positions), stride(g.strides), low(g.low, 0), spread(g.input_dilation),
      dilation(g.kernel_dilation);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t p = 0; p < y.elements(); ++p)
      for (int64_t t = 0; t < w.elements(); ++t) {
        const int64_t at[3] = {p / (y[1] * y[2]), p / y[2] % y[1], p % y[2]};
        const int64_t tap[3] = {t / (w[1] * w[2]), t / w[2] % w[1], t % w[2]};
        int64_t flat = 0;
        bool inside = true;
        for (int axis = 0; axis < 3 && inside; ++axis) {
          int64_t spread_place = at[axis] * stride[axis] + tap[axis] * dilation[axis] - low[axis];
          inside = spread_place >= 0 && spread_place % spread[axis] == 0 && spread_place / spread[axis] < x[axis];
          flat = flat * x[axis] + spread_place / spread[axis];
        }
        if (inside) f(n, p, flat, t);
      }
}

/// The sums of one convolution or of one of its gradients, in double: `add(x index, kernel index, y index)`.
template <class Add>
void for_each_product(const ConvGeometry& g, const Shape& x, const Shape& kernel, const Shape& y, Add&& add) {
  const int64_t in = x.back(), out = y.back(), group_in = in / g.groups, group_out = out / g.groups;
  const Shape space = x.slice(1, x.rank() - 1), positions = y.slice(1, y.rank() - 1);
  const Shape window = kernel.slice(0, kernel.rank() - 2);
  for_each_tap(g, x[0], space, window, positions, [&](int64_t n, int64_t p, int64_t s, int64_t t) {
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < group_in; ++i)
        add((n * space.elements() + s) * in + o / group_out * group_in + i, (t * group_in + i) * out + o,
            (n * positions.elements() + p) * out + o);
  });
}

template <class T> void store(const std::vector<double>& sums, Tensor& target) {
  std::transform(sums.begin(), sums.end(), target.mutable_raw_as<T>(), [](double sum) { return static_cast<T>(sum); });
}

std::vector<double> zeros_like(const Tensor& tensor) {
  return std::vector<double>(static_cast<size_t>(tensor.elements()), 0.0);
}

void convolve(const KernelCall& call, const ConvGeometry& geometry, bool has_bias, bool relu) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1];
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    std::vector<double> sums = zeros_like(call.outputs[0]);
    const T *a = x.raw_as<T>(), *b = kernel.raw_as<T>();
    for_each_product(geometry, x.shape(), kernel.shape(), call.outputs[0].shape(),
                     [&](int64_t i, int64_t j, int64_t k) { sums[static_cast<size_t>(k)] += double(a[i]) * b[j]; });
    if (has_bias)
      for (size_t i = 0, out = static_cast<size_t>(kernel.shape().back()); i < sums.size(); ++i)
        sums[i] += static_cast<double>(call.inputs[2].raw_as<T>()[i % out]);
    if (relu)
      for (double& sum : sums) sum = sum <= 0 ? 0 : sum;
    store<T>(sums, call.outputs[0]);
  });
}

void conv_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Conv>();
  convolve(call, op.geometry, op.has_bias, false);
}

void fused_conv_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedConv>();
  convolve(call, op.geometry, op.has_bias, op.activation == op::Activation::relu);
}

void conv_input_grad_kernel(const KernelCall& call) {
  const Tensor &d_y = call.inputs[0], &kernel = call.inputs[1];
  visit_wide_float(d_y.dtype(), [&]<class T>(std::type_identity<T>) {
    std::vector<double> sums = zeros_like(call.outputs[0]);
    const T *a = d_y.raw_as<T>(), *b = kernel.raw_as<T>();
    for_each_product(call.op<op::ConvInputGrad>().geometry, call.outputs[0].shape(), kernel.shape(), d_y.shape(),
                     [&](int64_t i, int64_t j, int64_t k) { sums[static_cast<size_t>(i)] += double(a[k]) * b[j]; });
    store<T>(sums, call.outputs[0]);
  });
}

void conv_kernel_grad_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &d_y = call.inputs[1];
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    std::vector<double> sums = zeros_like(call.outputs[0]);
    const T *a = x.raw_as<T>(), *b = d_y.raw_as<T>();
    for_each_product(call.op<op::ConvKernelGrad>().geometry, x.shape(), call.outputs[0].shape(), d_y.shape(),
                     [&](int64_t i, int64_t j, int64_t k) { sums[static_cast<size_t>(j)] += double(a[i]) * b[k]; });
    store<T>(sums, call.outputs[0]);
  });
}

}  // namespace

void register_reference_conv(KernelTable& table) {
  table.add<op::Conv>(conv_kernel, wide_floats);
  table.add<op::FusedConv>(fused_conv_kernel, wide_floats);
  table.add<op::ConvInputGrad>(conv_input_grad_kernel, wide_floats);
  table.add<op::ConvKernelGrad>(conv_kernel_grad_kernel, wide_floats);
}

}  // namespace weft
