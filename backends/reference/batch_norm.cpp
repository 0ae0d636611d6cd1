#include <weft/autograd/ops/batch_norm.hpp>

#include <cmath>
#include <vector>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

// Feature by feature, in double.

/// Calls f(feature, rows, elements between rows) for every feature of x.
template <class F> void for_each_feature(const Tensor& x, F&& f) {
  const int64_t features = x.shape().back(), rows = x.shape().slice(0, x.rank() - 1).elements();
  for (int64_t j = 0; j < features; ++j) f(j, rows, features);
}

template <class T> double at(const Tensor& tensor, int64_t i) { return static_cast<double>(tensor.raw_as<T>()[i]); }

/// y's column of one feature. `vectors`: scale and bias, where there are.
template <class T>
void normalize_feature(const Tensor& x, int64_t j, int64_t rows, int64_t step, double mean, double variance,
                       double epsilon, bool has_scale, bool has_bias, std::span<const Tensor> vectors, Tensor& y) {
  double factor = 1 / std::sqrt(variance + epsilon), offset = 0;
  if (has_scale) factor *= at<T>(vectors[0], j);
  if (has_bias) offset = at<T>(vectors[size_t{has_scale}], j);
  for (int64_t i = 0; i < rows; ++i)
    y.mutable_raw_as<T>()[i * step + j] = static_cast<T>((at<T>(x, i * step + j) - mean) * factor + offset);
}

void norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::BatchNorm>();
  const Tensor& x = call.inputs[0];
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    for_each_feature(x, [&](int64_t j, int64_t rows, int64_t step) {
      double mean = 0, variance = 0;
      for (int64_t i = 0; i < rows; ++i) mean += at<T>(x, i * step + j);
      mean /= static_cast<double>(rows);
      for (int64_t i = 0; i < rows; ++i) variance += std::pow(at<T>(x, i * step + j) - mean, 2);
      variance /= static_cast<double>(rows);
      normalize_feature<T>(x, j, rows, step, mean, variance, op.epsilon, op.has_scale, op.has_bias,
                           call.inputs.subspan(1), call.outputs[0]);
      call.outputs[1].mutable_raw_as<T>()[j] = static_cast<T>(mean);
      call.outputs[2].mutable_raw_as<T>()[j] = static_cast<T>(variance);
    });
  });
}

void feature_norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FeatureNorm>();
  const Tensor& x = call.inputs[0];
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    for_each_feature(x, [&](int64_t j, int64_t rows, int64_t step) {
      normalize_feature<T>(x, j, rows, step, at<T>(call.inputs[1], j), at<T>(call.inputs[2], j), op.epsilon,
                           op.has_scale, op.has_bias, call.inputs.subspan(3), call.outputs[0]);
    });
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::BatchNormGrad>().forward;
  const Tensor &d_y = call.inputs[0], &x = call.inputs[3];
  visit_wide_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    for_each_feature(x, [&](int64_t j, int64_t rows, int64_t step) {
      const double mean = at<T>(call.inputs[4], j), n = static_cast<double>(rows);
      const double factor = 1 / std::sqrt(at<T>(call.inputs[5], j) + op.epsilon);
      const double scale = op.has_scale ? at<T>(call.inputs[6], j) : 1;
      double d_scale = 0, d_bias = 0;
      for (int64_t i = 0; i < rows; ++i) {
        d_bias += at<T>(d_y, i * step + j);
        d_scale += at<T>(d_y, i * step + j) * (at<T>(x, i * step + j) - mean) * factor;
      }
      for (int64_t i = 0; i < rows; ++i) {
        const double centered = at<T>(x, i * step + j) - mean;
        const double own = at<T>(d_y, i * step + j) - d_bias / n - centered * factor * d_scale / n;
        call.outputs[0].mutable_raw_as<T>()[i * step + j] = static_cast<T>(
            own * factor * scale + at<T>(call.inputs[1], j) / n + 2 * centered * at<T>(call.inputs[2], j) / n);
      }
      if (op.has_scale) call.outputs[1].mutable_raw_as<T>()[j] = static_cast<T>(d_scale);
      if (op.has_bias) call.outputs[1 + size_t{op.has_scale}].template mutable_raw_as<T>()[j] = static_cast<T>(d_bias);
    });
  });
}

}  // namespace

void register_reference_batch_norm(KernelTable& table) {
  table.add<op::BatchNorm>(norm_kernel, wide_floats);
  table.add<op::BatchNormGrad>(norm_grad_kernel, wide_floats);
  table.add<op::FeatureNorm>(feature_norm_kernel, wide_floats);
}

}  // namespace weft
