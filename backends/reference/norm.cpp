#include <weft/autograd/ops/norm.hpp>

#include <cmath>
#include <vector>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

struct RowStatistics {
  double mean = 0, factor = 0;  // factor = 1 / sqrt(variance + epsilon)
};

template <class T> RowStatistics statistics(const op::LayerNorm& op, const T* x, int64_t n) {
  RowStatistics result;
  if (op.centered)
    for (int64_t i = 0; i < n; ++i) result.mean += x[i] / static_cast<double>(n);
  double variance = 0;
  for (int64_t i = 0; i < n; ++i) variance += (x[i] - result.mean) * (x[i] - result.mean) / static_cast<double>(n);
  result.factor = 1 / std::sqrt(variance + op.epsilon);
  return result;
}

void norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNorm>();
  const int64_t n = call.inputs[0].shape().back(), rows = n ? call.inputs[0].elements() / n : 0;
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* scale = op.has_scale ? call.inputs[1].raw_as<T>() : nullptr;
    const T* bias = op.has_bias ? call.inputs[1 + op.has_scale].raw_as<T>() : nullptr;
    for (int64_t row = 0; row < rows; ++row) {
      const T* x = call.inputs[0].raw_as<T>() + row * n;
      T* y = call.outputs[0].mutable_raw_as<T>() + row * n;
      const RowStatistics s = statistics(op, x, n);
      for (int64_t i = 0; i < n; ++i)
        y[i] = static_cast<T>((x[i] - s.mean) * s.factor * (scale ? scale[i] : T(1)) + (bias ? bias[i] : T(0)));
    }
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNormGrad>().forward;
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
        d_x[i] = static_cast<T>(s.factor * (g - mean_g - normal * mean_gx));
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
  table.add<op::LayerNormGrad>(norm_grad_kernel, wide_floats);
}

}  // namespace weft
