#include <weft/autograd/ops/batch_norm.hpp>

#include <cmath>

#include <weft/backends/cuda/column_sums.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

// x as [rows, features]: sums over the rows first, then one pass over the elements.

namespace weft::cuda {
namespace {

/// x - mean [features] to a power: their sum is the mean where there is none yet, their squares' the variance.
template <class T> struct MomentTerms {
  using C = Computed<T>;
  const T* x;
  const C* mean;
  int64_t features;

  WEFT_DEVICE void add(int64_t row, int64_t column, Sums<C, 1>& sums) const {
    const C value = static_cast<C>(x[row * features + column]);
    if (!mean) {
      sums.of[0] += value;
    } else {
      const C difference = value - mean[column];
      sums.of[0] += difference * difference;
    }
  }
};

/// A sum [features] becomes a mean over n rows, which is also stored as T.
template <class T> struct DivideSums {
  Computed<T>* sums;
  T* means;
  int64_t features;
  Computed<T> n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t j = thread.global_index(); j < features; j += thread.global_size()) {
      sums[j] /= n;
      means[j] = static_cast<T>(sums[j]);
    }
  }
};

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias; M is the type of the moments.
template <class T, class M> struct NormalizeFeatures {
  using C = Computed<T>;
  const T* x;
  const M *mean, *variance;
  const T *scale, *bias;
  T* y;
  int64_t n, features;
  C epsilon;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const int64_t j = i % features;
      C factor = 1 / std::sqrt(static_cast<C>(variance[j]) + epsilon);
      if (scale) factor *= static_cast<C>(scale[j]);
      C value = (static_cast<C>(x[i]) - static_cast<C>(mean[j])) * factor;
      if (bias) value += static_cast<C>(bias[j]);
      y[i] = static_cast<T>(value);
    }
  }
};

/// Sums of d_y, and of d_y (x - mean) / deviation.
template <class T> struct BatchGradTerms {
  using C = Computed<T>;
  const T *d_y, *x, *mean, *variance;
  int64_t features;
  C epsilon;

  WEFT_DEVICE void add(int64_t row, int64_t column, Sums<C, 2>& sums) const {
    const C g = static_cast<C>(d_y[row * features + column]);
    const C factor = 1 / std::sqrt(static_cast<C>(variance[column]) + epsilon);
    sums.of[0] += g;
    sums.of[1] += g * ((static_cast<C>(x[row * features + column]) - static_cast<C>(mean[column])) * factor);
  }
};

template <class T> struct BatchGrad {
  using C = Computed<T>;
  const T *d_y, *d_mean, *d_variance, *x, *mean, *variance, *scale;
  const C* sums;  ///< [2, features]
  T *d_x, *d_scale, *d_bias;
  int64_t elements, features;
  C rows, epsilon;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < elements; i += thread.global_size()) {
      const int64_t j = i % features;
      const C factor = 1 / std::sqrt(static_cast<C>(variance[j]) + epsilon);
      const C centered = static_cast<C>(x[i]) - static_cast<C>(mean[j]);
      const C own = static_cast<C>(d_y[i]) - sums[j] / rows - centered * factor * (sums[features + j] / rows);
      const C moments = (static_cast<C>(d_mean[j]) + 2 * centered * static_cast<C>(d_variance[j])) / rows;
      d_x[i] = static_cast<T>(own * factor * (scale ? static_cast<C>(scale[j]) : C(1)) + moments);
    }
    for (int64_t j = thread.global_index(); j < features; j += thread.global_size()) {
      if (d_bias) d_bias[j] = static_cast<T>(sums[j]);
      if (d_scale) d_scale[j] = static_cast<T>(sums[features + j]);
    }
  }
};

int64_t rows_of(const Tensor& x) { return x.shape().slice(0, x.rank() - 1).elements(); }

/// Scale and bias are the inputs from `first` on.
template <class T, class M, class Op>
void normalize(const Op& op, const KernelCall& call, size_t first, const M* mean, const M* variance) {
  const Tensor& x = call.inputs[0];
  const NormalizeFeatures<T, M> kernel{
      .x = x.raw_as<T>(),
      .mean = mean,
      .variance = variance,
      .scale = op.has_scale ? call.inputs[first].raw_as<T>() : nullptr,
      .bias = op.has_bias ? call.inputs[first + size_t{op.has_scale}].template raw_as<T>() : nullptr,
      .y = call.outputs[0].mutable_raw_as<T>(),
      .n = x.elements(),
      .features = x.shape().back(),
      .epsilon = static_cast<Computed<T>>(op.epsilon)};
  launch(kernel, blocks_for(kernel.n), usual_threads);
}

void norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::BatchNorm>();
  const Tensor& x = call.inputs[0];
  const int64_t features = x.shape().back(), rows = rows_of(x);
  visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    using C = Computed<T>;
    Workspace<C> moments(x.device(), 2 * features);
    C *mean = moments.data(), *variance = mean + features;
    column_sums<1>(MomentTerms<T>{x.raw_as<T>(), nullptr, features}, rows, features, mean, x.device());
    launch(DivideSums<T>{mean, call.outputs[1].mutable_raw_as<T>(), features, static_cast<C>(rows)},
           blocks_for(features), usual_threads);
    column_sums<1>(MomentTerms<T>{x.raw_as<T>(), mean, features}, rows, features, variance, x.device());
    launch(DivideSums<T>{variance, call.outputs[2].mutable_raw_as<T>(), features, static_cast<C>(rows)},
           blocks_for(features), usual_threads);
    normalize<T, C>(op, call, 1, mean, variance);
  });
}

void feature_norm_kernel(const KernelCall& call) {
  visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    normalize<T, T>(call.op<op::FeatureNorm>(), call, 3, call.inputs[1].raw_as<T>(), call.inputs[2].raw_as<T>());
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::BatchNormGrad>().forward;
  const Tensor& x = call.inputs[3];
  const int64_t features = x.shape().back(), rows = rows_of(x);
  visit_float(x.dtype(), [&]<class T>(std::type_identity<T>) {
    using C = Computed<T>;
    auto input = [&](size_t place) { return call.inputs[place].raw_as<T>(); };
    auto output = [&](size_t place) { return call.outputs[place].template mutable_raw_as<T>(); };
    const C epsilon = static_cast<C>(op.epsilon);
    Workspace<C> sums(x.device(), 2 * features);
    column_sums<2>(BatchGradTerms<T>{input(0), input(3), input(4), input(5), features, epsilon}, rows, features,
                   sums.data(), x.device());
    const BatchGrad<T> kernel{.d_y = input(0),
                              .d_mean = input(1),
                              .d_variance = input(2),
                              .x = input(3),
                              .mean = input(4),
                              .variance = input(5),
                              .scale = op.has_scale ? input(6) : nullptr,
                              .sums = sums.data(),
                              .d_x = output(0),
                              .d_scale = op.has_scale ? output(1) : nullptr,
                              .d_bias = op.has_bias ? output(1 + size_t{op.has_scale}) : nullptr,
                              .elements = x.elements(),
                              .features = features,
                              .rows = static_cast<C>(rows),
                              .epsilon = epsilon};
    launch(kernel, blocks_for(std::max(kernel.elements, features)), usual_threads);
  });
}

}  // namespace

void register_cuda_batch_norm(KernelTable& table) {
  table.add<op::BatchNorm>(norm_kernel, all_floats);
  table.add<op::BatchNormGrad>(norm_grad_kernel, all_floats);
  table.add<op::FeatureNorm>(feature_norm_kernel, all_floats);
}

}  // namespace weft::cuda
