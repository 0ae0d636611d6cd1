#include <weft/autograd/ops/norm.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

struct RowStatistics {
  double mean = 0, factor = 0;  // factor = 1 / sqrt(variance + epsilon)
};

/// Rows of x, or of x + residual.
template <class T> std::vector<T> sum_of(const Tensor& x, const Tensor& residual) {
  std::vector<T> sum(x.raw_as<T>(), x.raw_as<T>() + x.elements());
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += residual.raw_as<T>()[i];
  return sum;
}

template <class T> RowStatistics statistics(const op::LayerNorm& op, const T* x, int64_t n) {
  RowStatistics result;
  if (op.centered)
    for (int64_t i = 0; i < n; ++i) result.mean += x[i] / static_cast<double>(n);
  double variance = 0;
  for (int64_t i = 0; i < n; ++i) variance += (x[i] - result.mean) * (x[i] - result.mean) / static_cast<double>(n);
  result.factor = 1 / std::sqrt(variance + op.epsilon);
  return result;
}

/// The rows `all`, normalized into `to`; scale and bias are the inputs from `first` on.
template <class T>
void normalize(const op::LayerNorm& op, const KernelCall& call, const T* all, size_t first, Tensor& to) {
  const int64_t n = to.shape().back(), rows = n ? to.elements() / n : 0;
  const T* scale = op.has_scale ? call.inputs[first].raw_as<T>() : nullptr;
  const T* bias = op.has_bias ? call.inputs[first + op.has_scale].raw_as<T>() : nullptr;
  for (int64_t row = 0; row < rows; ++row) {
    const T* x = all + row * n;
    T* y = to.mutable_raw_as<T>() + row * n;
    const RowStatistics s = statistics(op, x, n);
    for (int64_t i = 0; i < n; ++i)
      y[i] = static_cast<T>((x[i] - s.mean) * s.factor * (scale ? scale[i] : T(1)) + (bias ? bias[i] : T(0)));
  }
}

void norm_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    normalize(call.op<op::LayerNorm>(), call, call.inputs[0].raw_as<T>(), 1, call.outputs[0]);
  });
}

void add_norm_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const std::vector<T> sum = sum_of<T>(call.inputs[0], call.inputs[1]);
    std::copy(sum.begin(), sum.end(), call.outputs[0].mutable_raw_as<T>());
    normalize(call.op<op::AddLayerNorm>().norm, call, sum.data(), 2, call.outputs[1]);
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNormGrad>().forward;
  const bool passes = call.op<op::LayerNormGrad>().passes;
  const int64_t n = call.inputs[1].shape().back(), rows = n ? call.inputs[1].elements() / n : 0;
  visit_wide_float(call.inputs[1].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* scale = op.has_scale ? call.inputs[2].raw_as<T>() : nullptr;
    std::vector<double> d_scale(static_cast<size_t>(n), 0.0), d_bias(static_cast<size_t>(n), 0.0);
    for (int64_t row = 0; row < rows; ++row) {
      const T *d_y = call.inputs[0].raw_as<T>() + row * n, *x = call.inputs[1].raw_as<T>() + row * n;
      T* d_x = call.outputs[0].mutable_raw_as<T>() + row * n;
      const RowStatistics s = statistics(op, x, n);
      double mean_g = 0, mean_gx = 0;
      for (int64_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(d_y[i]) * (scale ? scale[i] : T(1)), normal = (x[i] - s.mean) * s.factor;
        if (op.centered) mean_g += g / static_cast<double>(n);
        mean_gx += g * normal / static_cast<double>(n);
        d_scale[static_cast<size_t>(i)] += d_y[i] * normal;
        d_bias[static_cast<size_t>(i)] += d_y[i];
      }
      for (int64_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(d_y[i]) * (scale ? scale[i] : T(1)), normal = (x[i] - s.mean) * s.factor;
        d_x[i] = static_cast<T>(s.factor * (g - mean_g - normal * mean_gx) +
                                (passes ? call.inputs.back().raw_as<T>()[row * n + i] : T(0)));
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      if (op.has_scale) call.outputs[1].mutable_raw_as<T>()[i] = static_cast<T>(d_scale[static_cast<size_t>(i)]);
      if (op.has_bias)
        call.outputs[1 + op.has_scale].mutable_raw_as<T>()[i] = static_cast<T>(d_bias[static_cast<size_t>(i)]);
    }
  });
}

}  // namespace

void register_reference_norm(KernelTable& table) {
  table.add<op::LayerNorm>(norm_kernel, wide_floats);
  table.add<op::AddLayerNorm>(add_norm_kernel, wide_floats);
  table.add<op::LayerNormGrad>(norm_grad_kernel, wide_floats);
}

}  // namespace weft
