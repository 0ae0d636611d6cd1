#include <weft/autograd/ops/norm.hpp>

#include <algorithm>
#include <vector>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

template <class T> cpu::NormRows<T> rows_of(const op::LayerNorm& op, const Tensor& x, const T* scale) {
  cpu::NormRows<T> rows;
  rows.x = x.raw_as<T>();
  rows.n = x.shape().back();
  rows.rows = x.shape().slice(0, x.rank() - 1).elements();
  rows.epsilon = static_cast<T>(op.epsilon);
  rows.centered = op.centered;
  rows.scale = scale;
  return rows;
}

/// Rows in a task.
int64_t chunk_of(int64_t rows, int64_t n, int64_t most_tasks) {
  const int64_t least = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, n));
  return std::max(least, (rows + most_tasks - 1) / most_tasks);
}

void norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNorm>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const cpu::NormRows<T> all = rows_of(op, call.inputs[0], op.has_scale ? call.inputs[1].raw_as<T>() : nullptr);
    if (all.n == 0) return;
    const T* bias = op.has_bias ? call.inputs[op.has_scale ? 2 : 1].raw_as<T>() : nullptr;
    T* y = call.outputs[0].mutable_raw_as<T>();
    parallel_chunks(all.rows, chunk_of(all.rows, all.n, 256), [&](int64_t begin, int64_t end) {
      cpu::NormRows<T> part = all;
      part.x += begin * all.n;
      part.rows = end - begin;
      cpu::isa_kernels().norm.of<T>().forward(part, bias, y + begin * all.n);
    });
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNormGrad>().forward;
  visit_wide_float(call.inputs[1].dtype(), [&]<class T>(std::type_identity<T>) {
    const cpu::NormRows<T> all = rows_of(op, call.inputs[1], op.has_scale ? call.inputs[2].raw_as<T>() : nullptr);
    if (all.n == 0) return;
    const T* d_y = call.inputs[0].raw_as<T>();
    T* d_x = call.outputs[0].mutable_raw_as<T>();
    // Each task sums d_scale and d_bias over its own rows; the shares are then added in order.
    constexpr int64_t most_tasks = 32;
    const int64_t chunk = chunk_of(all.rows, all.n, most_tasks), tasks = (all.rows + chunk - 1) / chunk;
    const int vectors = op.has_scale + op.has_bias;
    std::vector<T> shares(static_cast<size_t>(tasks * vectors * all.n), T(0));
    parallel_for(tasks, [&](int64_t task) {
      const int64_t begin = task * chunk;
      cpu::NormRows<T> part = all;
      part.x += begin * all.n;
      part.rows = std::min(chunk, all.rows - begin);
      T* share = shares.data() + task * vectors * all.n;
      T* d_scale = op.has_scale ? share : nullptr;
      T* d_bias = op.has_bias ? share + (op.has_scale ? all.n : 0) : nullptr;
      cpu::isa_kernels().norm.of<T>().backward(part, d_y + begin * all.n, d_x + begin * all.n, d_scale, d_bias);
    });
    for (int vector = 0; vector < vectors; ++vector) {
      T* sum = call.outputs[static_cast<size_t>(1 + vector)].template mutable_raw_as<T>();
      std::fill_n(sum, all.n, T(0));
      for (int64_t task = 0; task < tasks; ++task) {
        const T* share = shares.data() + (task * vectors + vector) * all.n;
        for (int64_t i = 0; i < all.n; ++i) sum[i] += share[i];
      }
    }
  });
}

}  // namespace

void register_cpu_norm(KernelTable& table) {
  table.add<op::LayerNorm>(norm_kernel, wide_floats);
  table.add<op::LayerNormGrad>(norm_grad_kernel, wide_floats);
}

}  // namespace weft
