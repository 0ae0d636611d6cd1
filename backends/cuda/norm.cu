#include <weft/autograd/ops/norm.hpp>

#include <cmath>

#include <weft/backends/cuda/column_sums.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/reduce_block.hpp>
#include <weft/backends/cuda/table.hpp>

// One block for each row; what is summed over rows follows in kernels of its own.

namespace weft::cuda {
namespace {

template <class C> struct RowStatistics {
  C mean, factor;  // factor = 1 / sqrt(variance + epsilon)
};

/// Mean and factor of a row of n values at(i). All threads of the block take part.
template <class C, class At>
WEFT_DEVICE RowStatistics<C> statistics(const Thread& thread, int64_t n, C epsilon, bool centered, At at) {
  RowStatistics<C> result{0, 0};
  if (centered) {
    C sum = 0;
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) sum += at(i);
    result.mean = reduce_block(thread, sum, Sum()) / static_cast<C>(n);
    thread.sync();
  }
  C squares = 0;
  for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
    const C difference = at(i) - result.mean;
    squares += difference * difference;
  }
  result.factor = 1 / std::sqrt(reduce_block(thread, squares, Sum()) / static_cast<C>(n) + epsilon);
  return result;
}

/// y = layer_norm(x), or of sum = x + residual.
template <class T> struct NormRow {
  using C = Computed<T>;
  const T *x, *residual, *scale, *bias;
  T *sum, *y;
  int64_t n;
  C epsilon;
  bool centered;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t first = thread.block() * n;
    const T* row = x + first;
    if (residual) {
      for (int64_t i = thread.index(); i < n; i += thread.block_size())
        sum[first + i] = static_cast<T>(static_cast<C>(x[first + i]) + static_cast<C>(residual[first + i]));
      row = sum + first;  // every thread reads what it wrote itself
    }
    const RowStatistics<C> s =
        statistics(thread, n, epsilon, centered, [row](int64_t i) { return static_cast<C>(row[i]); });
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
      C value = (static_cast<C>(row[i]) - s.mean) * s.factor;
      if (scale) value *= static_cast<C>(scale[i]);
      if (bias) value += static_cast<C>(bias[i]);
      y[first + i] = static_cast<T>(value);
    }
  }
};

/// d_x, and the rows' statistics for the sums over rows.
template <class T> struct NormGradRow {
  using C = Computed<T>;
  const T *d_y, *x, *scale, *passed;
  T* d_x;
  RowStatistics<C>* kept;
  int64_t n;
  C epsilon;
  bool centered;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t first = thread.block() * n;
    const T* row = x + first;
    const RowStatistics<C> s =
        statistics(thread, n, epsilon, centered, [row](int64_t i) { return static_cast<C>(row[i]); });
    if (kept && thread.index() == 0) kept[thread.block()] = s;
    C sum = 0, products = 0;
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
      const C g = gradient(first, i);
      sum += g;
      products += g * ((static_cast<C>(row[i]) - s.mean) * s.factor);
    }
    thread.sync();
    products = reduce_block(thread, products, Sum()) / static_cast<C>(n);
    if (centered) {
      thread.sync();
      sum = reduce_block(thread, sum, Sum()) / static_cast<C>(n);
    } else {
      sum = 0;
    }
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
      const C normal = (static_cast<C>(row[i]) - s.mean) * s.factor;
      C value = s.factor * (gradient(first, i) - sum - normal * products);
      if (passed) value += static_cast<C>(passed[first + i]);
      d_x[first + i] = static_cast<T>(value);
    }
  }

 private:
  WEFT_DEVICE C gradient(int64_t first, int64_t i) const {
    const C g = static_cast<C>(d_y[first + i]);
    return scale ? g * static_cast<C>(scale[i]) : g;
  }
};

/// What a row adds to d_scale and d_bias.
template <class T> struct NormGradTerms {
  using C = Computed<T>;
  const T *d_y, *x;
  const RowStatistics<C>* kept;
  int64_t n;

  WEFT_DEVICE void add(int64_t row, int64_t column, Sums<C, 2>& sums) const {
    const C g = static_cast<C>(d_y[row * n + column]);
    sums.of[0] += g * ((static_cast<C>(x[row * n + column]) - kept[row].mean) * kept[row].factor);
    sums.of[1] += g;
  }
};

/// The sums [2, n], of which each is wanted that has a place to go.
template <class T> struct StoreSums {
  const Computed<T>* sums;
  T* to[2];
  int64_t n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size())
      for (int k = 0; k < 2; ++k)
        if (to[k]) to[k][i] = static_cast<T>(sums[k * n + i]);
  }
};

template <class T> const T* input_if(bool given, const KernelCall& call, size_t place) {
  return given ? call.inputs[place].raw_as<T>() : nullptr;
}

int64_t rows_of(const Tensor& x) { return x.shape().slice(0, x.rank() - 1).elements(); }

/// x and residual are the first inputs, scale and bias those from `first` on.
template <class T> void normalize(const op::LayerNorm& op, const KernelCall& call, size_t first) {
  const Tensor& x = call.inputs[0];
  const int64_t n = x.shape().back();
  if (n == 0) return;
  const bool adds = first == 2;
  const int threads = threads_for_row(n);
  const NormRow<T> kernel{.x = x.raw_as<T>(),
                          .residual = input_if<T>(adds, call, 1),
                          .scale = input_if<T>(op.has_scale, call, first),
                          .bias = input_if<T>(op.has_bias, call, first + op.has_scale),
                          .sum = adds ? call.outputs[0].mutable_raw_as<T>() : nullptr,
                          .y = call.outputs[adds].template mutable_raw_as<T>(),
                          .n = n,
                          .epsilon = static_cast<Computed<T>>(op.epsilon),
                          .centered = op.centered};
  launch_blocks(kernel, rows_of(x), threads, reduce_bytes<Computed<T>>(threads));
}

void norm_kernel(const KernelCall& call) {
  visit_float(call.inputs[0].dtype(),
              [&]<class T>(std::type_identity<T>) { normalize<T>(call.op<op::LayerNorm>(), call, 1); });
}

void add_norm_kernel(const KernelCall& call) {
  visit_float(call.inputs[0].dtype(),
              [&]<class T>(std::type_identity<T>) { normalize<T>(call.op<op::AddLayerNorm>().norm, call, 2); });
}

template <class T> void norm_grad(const KernelCall& call) {
  using C = Computed<T>;
  const auto& op = call.op<op::LayerNormGrad>().forward;
  const Tensor& x = call.inputs[1];
  const int64_t n = x.shape().back(), rows = rows_of(x);
  if (n == 0) return;
  const int threads = threads_for_row(n);
  const bool sums = op.has_scale || op.has_bias;
  Workspace<RowStatistics<C>> kept(x.device(), sums ? rows : 0);
  const NormGradRow<T> kernel{.d_y = call.inputs[0].raw_as<T>(),
                              .x = x.raw_as<T>(),
                              .scale = input_if<T>(op.has_scale, call, 2),
                              .passed = input_if<T>(call.op<op::LayerNormGrad>().passes, call, call.inputs.size() - 1),
                              .d_x = call.outputs[0].mutable_raw_as<T>(),
                              .kept = sums ? kept.data() : nullptr,
                              .n = n,
                              .epsilon = static_cast<C>(op.epsilon),
                              .centered = op.centered};
  launch_blocks(kernel, rows, threads, reduce_bytes<C>(threads));
  if (!sums) return;
  Workspace<C> totals(x.device(), 2 * n);
  column_sums<2>(NormGradTerms<T>{kernel.d_y, kernel.x, kept.data(), n}, rows, n, totals.data(), x.device());
  T* d_scale = op.has_scale ? call.outputs[1].template mutable_raw_as<T>() : nullptr;
  T* d_bias = op.has_bias ? call.outputs[1 + size_t{op.has_scale}].template mutable_raw_as<T>() : nullptr;
  launch(StoreSums<T>{totals.data(), {d_scale, d_bias}, n}, blocks_for(n), usual_threads);
}

void norm_grad_kernel(const KernelCall& call) {
  visit_float(call.inputs[1].dtype(), [&]<class T>(std::type_identity<T>) { norm_grad<T>(call); });
}

}  // namespace

void register_cuda_norm(KernelTable& table) {
  table.add<op::LayerNorm>(norm_kernel, all_floats);
  table.add<op::AddLayerNorm>(add_norm_kernel, all_floats);
  table.add<op::LayerNormGrad>(norm_grad_kernel, all_floats);
}

}  // namespace weft::cuda
