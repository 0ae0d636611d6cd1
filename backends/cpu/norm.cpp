#include <weft/autograd/ops/norm.hpp>

#include <algorithm>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
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

/// Rows [begin, end) of them.
template <class T> cpu::NormRows<T> part_of(cpu::NormRows<T> rows, int64_t begin, int64_t end) {
  rows.x += begin * rows.n;
  if (rows.residual) rows.residual += begin * rows.n, rows.sum += begin * rows.n;
  rows.rows = end - begin;
  return rows;
}

/// y [rows, n], on several threads.
template <class T> void normalize(const cpu::NormRows<T>& all, const T* bias, T* y) {
  if (all.n == 0) return;
  parallel_chunks(all.rows, chunk_of(all.rows, all.n, 256), [&](int64_t begin, int64_t end) {
    cpu::isa_kernels().norm.of<T>().forward(part_of(all, begin, end), bias, y + begin * all.n);
  });
}

template <class T> const T* input_if(bool given, const KernelCall& call, size_t place) {
  return given ? call.inputs[place].raw_as<T>() : nullptr;
}

void norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNorm>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    normalize(rows_of(op, call.inputs[0], input_if<T>(op.has_scale, call, 1)),
              input_if<T>(op.has_bias, call, 1 + op.has_scale), call.outputs[0].mutable_raw_as<T>());
  });
}

void add_norm_kernel(const KernelCall& call) {
  const auto& op = call.op<op::AddLayerNorm>().norm;
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::NormRows<T> rows = rows_of(op, call.inputs[0], input_if<T>(op.has_scale, call, 2));
    rows.residual = call.inputs[1].raw_as<T>();
    rows.sum = call.outputs[0].mutable_raw_as<T>();
    normalize(rows, input_if<T>(op.has_bias, call, 2 + op.has_scale), call.outputs[1].mutable_raw_as<T>());
  });
}

void norm_grad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LayerNormGrad>().forward;
  visit_wide_float(call.inputs[1].dtype(), [&]<class T>(std::type_identity<T>) {
    const cpu::NormRows<T> all = rows_of(op, call.inputs[1], input_if<T>(op.has_scale, call, 2));
    if (all.n == 0) return;
    const T *d_y = call.inputs[0].raw_as<T>(),
            *passed = input_if<T>(call.op<op::LayerNormGrad>().passes, call, call.inputs.size() - 1);
    T* d_x = call.outputs[0].mutable_raw_as<T>();
    const int vectors = op.has_scale + op.has_bias;
    const auto output = [&](int vector) { return call.outputs[static_cast<size_t>(1 + vector)].mutable_raw_as<T>(); };
    // Each task sums d_scale and d_bias over its own rows; the shares are then added in order.
    constexpr int64_t most_tasks = 32;
    const int64_t chunk = chunk_of(all.rows, all.n, most_tasks), tasks = (all.rows + chunk - 1) / chunk;
    const int64_t width = vectors * all.n;
    T* shares = tasks > 1 ? cpu::scratch<T>(cpu::ScratchUse::reduce, tasks * width) : nullptr;
    const auto run = [&](int64_t begin, int64_t end) {
      T* share = shares + begin / chunk * width;
      T* d_scale = !op.has_scale ? nullptr : shares ? share : output(0);
      T* d_bias = !op.has_bias ? nullptr : shares ? share + (vectors - 1) * all.n : output(vectors - 1);
      const int64_t at = begin * all.n;
      cpu::isa_kernels().norm.of<T>().backward(part_of(all, begin, end), d_y + at, passed ? passed + at : nullptr,
                                               d_x + at, d_scale, d_bias);
    };
    if (tasks == 0) {
      for (int vector = 0; vector < vectors; ++vector) std::fill_n(output(vector), all.n, T(0));
      return;
    }
    parallel_chunks(all.rows, chunk, run);
    const auto add = cpu::isa_kernels().reduce.of<T>().columns[static_cast<int>(cpu::Reduction::sum)];
    for (int vector = 0; shares && vector < vectors; ++vector)
      add(shares + vector * all.n, tasks, all.n, width, output(vector));
  });
}

}  // namespace

void register_cpu_norm(KernelTable& table) {
  table.add<op::LayerNorm>(norm_kernel, wide_floats);
  table.add<op::AddLayerNorm>(add_norm_kernel, wide_floats);
  table.add<op::LayerNormGrad>(norm_grad_kernel, wide_floats);
}

}  // namespace weft
