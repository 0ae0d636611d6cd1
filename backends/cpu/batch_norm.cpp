#include <weft/autograd/ops/batch_norm.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

template <class T> cpu::FeatureRows<T> rows_of(const Tensor& x) {
  return {x.raw_as<T>(), x.shape().slice(0, x.rank() - 1).elements(), x.shape().back()};
}

template <class T> cpu::FeatureRows<T> part_of(const cpu::FeatureRows<T>& all, int64_t begin, int64_t end) {
  return {all.x + begin * all.features, end - begin, all.features};
}

/// Rows that stay in the first cache while they are summed, and those of a task.
template <class T> int64_t near_rows(const cpu::FeatureRows<T>& all) {
  return std::clamp<int64_t>(4096 / std::max<int64_t>(1, all.features), 8, 512);
}
template <class T> int64_t task_rows(const cpu::FeatureRows<T>& all, int64_t most_tasks) {
  const int64_t near = near_rows(all), least = (all.rows + most_tasks - 1) / most_tasks;
  return std::max(near * 2, (least + near - 1) / near * near);
}
constexpr int64_t most_sums = 32;

/// Joins the moments of `count` more rows with those of `n` (Chan, Golub and LeVeque 1979).
template <class T>
void join_moments(int64_t features, int64_t n, T* mean, T* squares, int64_t count, const T* other_mean,
                  const T* other_squares) {
  const T share = static_cast<T>(static_cast<double>(count) / static_cast<double>(n + count));
  const T weight = static_cast<T>(static_cast<double>(n) * static_cast<double>(count) / static_cast<double>(n + count));
  for (int64_t j = 0; j < features; ++j) {
    const T difference = other_mean[j] - mean[j];
    mean[j] += difference * share;
    squares[j] += other_squares[j] + difference * difference * weight;
  }
}

/// Mean and biased variance of every feature: blocks of rows one after the other in each task, then the tasks' in
/// order.
template <class T> void moments_of(const cpu::FeatureRows<T>& all, T* mean, T* variance) {
  const int64_t features = all.features, near = near_rows(all), chunk = task_rows(all, most_sums),
                tasks = (all.rows + chunk - 1) / chunk;
  if (all.rows == 0) {
    std::fill_n(mean, features, std::numeric_limits<T>::quiet_NaN());
    std::fill_n(variance, features, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  T* shares = cpu::scratch<T>(cpu::ScratchUse::batch_norm_sums, tasks * 4 * features);
  auto rows_in = [&](int64_t task) { return std::min(chunk, all.rows - task * chunk); };
  parallel_for(tasks, [&](int64_t task) {
    T *own = shares + task * 4 * features, *next = own + 2 * features;
    const auto& kernels = cpu::isa_kernels().batch_norm.of<T>();
    for (int64_t done = 0, rows = rows_in(task); done < rows;) {
      const int64_t begin = task * chunk + done, count = std::min(near, rows - done);
      T* to = done == 0 ? own : next;
      kernels.moments(part_of(all, begin, begin + count), to, to + features);
      if (done > 0) join_moments(features, done, own, own + features, count, next, next + features);
      done += count;
    }
  });
  std::copy_n(shares, features, mean);
  std::copy_n(shares + features, features, variance);
  for (int64_t task = 1; task < tasks; ++task) {
    const T* share = shares + task * 4 * features;
    join_moments(features, task * chunk, mean, variance, rows_in(task), share, share + features);
  }
  for (int64_t j = 0; j < features; ++j) variance[j] /= static_cast<T>(all.rows);
}

template <class T> T inverse_deviation(T variance, double epsilon) {
  return T(1) / std::sqrt(variance + static_cast<T>(epsilon));
}

template <class T>
void normalize_rows(const cpu::FeatureRows<T>& all, const T* mean, const T* variance, double epsilon, const T* scale,
                    const T* bias, T* y) {
  T* factor = cpu::scratch<T>(cpu::ScratchUse::batch_norm_factors, all.features);
  for (int64_t j = 0; j < all.features; ++j) {
    factor[j] = inverse_deviation(variance[j], epsilon);
    if (scale) factor[j] *= scale[j];
  }
  parallel_chunks(all.rows, task_rows(all, 256), [&](int64_t begin, int64_t end) {
    cpu::isa_kernels().batch_norm.of<T>().normalize(part_of(all, begin, end), mean, factor, bias,
                                                    y + begin * all.features);
  });
}

void norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::BatchNorm>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto all = rows_of<T>(call.inputs[0]);
    T *mean = call.outputs[1].mutable_raw_as<T>(), *variance = call.outputs[2].mutable_raw_as<T>();
    moments_of(all, mean, variance);
    normalize_rows<T>(all, mean, variance, op.epsilon, op.has_scale ? call.inputs[1].raw_as<T>() : nullptr,
                      op.has_bias ? call.inputs[1 + size_t{op.has_scale}].raw_as<T>() : nullptr,
                      call.outputs[0].mutable_raw_as<T>());
  });
}

void feature_norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FeatureNorm>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    normalize_rows<T>(rows_of<T>(call.inputs[0]), call.inputs[1].raw_as<T>(), call.inputs[2].raw_as<T>(), op.epsilon,
                      op.has_scale ? call.inputs[3].raw_as<T>() : nullptr,
                      op.has_bias ? call.inputs[3 + size_t{op.has_scale}].raw_as<T>() : nullptr,
                      call.outputs[0].mutable_raw_as<T>());
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::BatchNormGrad>().forward;
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto all = rows_of<T>(call.inputs[3]);
    const int64_t features = all.features, near = near_rows(all), chunk = task_rows(all, most_sums),
                  tasks = (all.rows + chunk - 1) / chunk;
    const T *d_y = call.inputs[0].raw_as<T>(), *mean = call.inputs[4].raw_as<T>();
    const T *d_mean = call.inputs[1].raw_as<T>(), *d_variance = call.inputs[2].raw_as<T>();
    // Sums of d_y and of d_y (x - mean): each task's over its own rows, then added in order.
    T* shares = cpu::scratch<T>(cpu::ScratchUse::batch_norm_sums, (tasks + 1) * 2 * features);
    std::fill_n(shares, (tasks + 1) * 2 * features, T(0));
    const auto& kernels = cpu::isa_kernels().batch_norm.of<T>();
    parallel_for(tasks, [&](int64_t task) {
      T* share = shares + (task + 1) * 2 * features;
      const int64_t end = std::min(all.rows, (task + 1) * chunk);
      for (int64_t begin = task * chunk; begin < end; begin += near)
        kernels.gradient_sums(part_of(all, begin, std::min(begin + near, end)), mean, d_y + begin * features, share,
                              share + features);
    });
    T *sums = shares, *products = sums + features;
    for (int64_t task = 1; task <= tasks; ++task)
      for (int64_t j = 0; j < 2 * features; ++j) sums[j] += shares[task * 2 * features + j];

    const T *variance = call.inputs[5].raw_as<T>(), *scale = op.has_scale ? call.inputs[6].raw_as<T>() : nullptr;
    T *factor = cpu::scratch<T>(cpu::ScratchUse::batch_norm_factors, 3 * features), *slope = factor + features,
      *offset = slope + features;
    const T n = static_cast<T>(all.rows);
    for (int64_t j = 0; j < features; ++j) {
      const T one = inverse_deviation(variance[j], op.epsilon);
      factor[j] = scale ? one * scale[j] : one;
      slope[j] = (T(2) * d_variance[j] - factor[j] * one * one * products[j]) / n;
      offset[j] = (d_mean[j] - factor[j] * sums[j]) / n;
      products[j] *= one;
    }
    T* d_x = call.outputs[0].mutable_raw_as<T>();
    parallel_chunks(all.rows, task_rows(all, 256), [&](int64_t begin, int64_t end) {
      kernels.gradient(part_of(all, begin, end), mean, d_y + begin * features, factor, slope, offset,
                       d_x + begin * features);
    });
    if (op.has_scale) std::copy_n(products, features, call.outputs[1].template mutable_raw_as<T>());
    if (op.has_bias) std::copy_n(sums, features, call.outputs[1 + size_t{op.has_scale}].template mutable_raw_as<T>());
  });
}

}  // namespace

void register_cpu_batch_norm(KernelTable& table) {
  table.add<op::BatchNorm>(norm_kernel, wide_floats);
  table.add<op::BatchNormGrad>(norm_grad_kernel, wide_floats);
  table.add<op::FeatureNorm>(feature_norm_kernel, wide_floats);
}

}  // namespace weft
