#include <weft/autograd/ops/scatter.hpp>

#include <algorithm>
#include <cmath>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

struct Add {
  template <class T> static T combine(T old, T update) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return static_cast<T>(static_cast<uint64_t>(old) + static_cast<uint64_t>(update));  // wraps around
    else return static_cast<T>(old + update);
  }
};
struct Set {
  template <class T> static T combine(T, T update) { return update; }
};
struct Max {
  template <class T> static T combine(T old, T update) { return update > old || update != update ? update : old; }
};

template <class F> void visit_wide(DType dtype, F&& f) {
  if (dtype == DType::boolean) return f(std::type_identity<bool>{});
  visit_wide_number(dtype, f);
}

/// Threads share the columns behind the axis, never a place: every place takes in its updates in index order.
template <class Combine> void scatter_rows(const KernelCall& call, int axis, OutOfRange mode) {
  Tensor& out = call.outputs[0];
  cpu::copy_parallel(call.inputs[0], out);
  const Tensor indices = call.inputs[1].contiguous(), updates = call.inputs[2].contiguous();
  const cpu::AxisView view(out.shape(), axis);
  const int64_t count = indices.elements(), inner = view.inner;
  if (updates.elements() == 0) return;
  visit_wide(out.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::visit_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      const I* places = indices.raw_as<I>();
      const int64_t stripe = 64 / static_cast<int64_t>(sizeof(T)), stripes = (inner + stripe - 1) / stripe;
      parallel_for(view.outer * stripes, [&](int64_t task) {
        const int64_t outer = task / stripes, first = task % stripes * stripe;
        const int64_t width = std::min(stripe, inner - first);
        T* to = out.mutable_raw_as<T>() + outer * view.extent * inner + first;
        const T* from = updates.raw_as<T>() + outer * count * inner + first;
        for (int64_t i = 0; i < count; ++i) {
          const int64_t place = resolve_index(places[i], view.extent, mode);
          if (place < 0) continue;
          T* row = to + place * inner;
          for (int64_t j = 0; j < width; ++j) row[j] = Combine::combine(row[j], from[i * inner + j]);
        }
      });
    });
  });
}

void scatter_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Scatter>();
  if (op.kind == ScatterKind::add) scatter_rows<Add>(call, op.axis, op.mode);
  else scatter_rows<Set>(call, op.axis, op.mode);
}

void scatter_max_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ScatterMax>();
  scatter_rows<Max>(call, op.axis, op.mode);
}

template <class Combine> void scatter_elements(const KernelCall& call, int axis) {
  Tensor& out = call.outputs[0];
  cpu::copy_parallel(call.inputs[0], out);
  const Tensor indices = call.inputs[1].contiguous(), updates = call.inputs[2].contiguous();
  const cpu::AxisView view(out.shape(), axis);
  const int64_t count = indices.shape()[axis], inner = view.inner;
  visit_wide(out.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::visit_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      const I* places = indices.raw_as<I>();
      const T* from = updates.raw_as<T>();
      T* to = out.mutable_raw_as<T>();
      // A column (outer, j) is one thread's.
      const int64_t chunk = cpu::items_per_task(count * static_cast<int64_t>(sizeof(T)));
      parallel_chunks(view.outer * inner, chunk, [&](int64_t begin, int64_t end) {
        for (int64_t i = 0; i < count; ++i)
          for (int64_t column = begin; column < end; ++column) {
            const int64_t outer = column / inner, j = column % inner, at = (outer * count + i) * inner + j;
            const int64_t place = resolve_index(places[at], view.extent, OutOfRange::error);
            if (place < 0) continue;
            T& value = to[(outer * view.extent + place) * inner + j];
            value = Combine::combine(value, from[at]);
          }
      });
    });
  });
}

void scatter_along_axis_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ScatterAlongAxis>();
  if (op.kind == ScatterKind::add) scatter_elements<Add>(call, op.axis);
  else scatter_elements<Set>(call, op.axis);
}

}  // namespace

void register_cpu_scatter(KernelTable& table) {
  table.add<op::Scatter>(scatter_kernel, wide_types, true);
  table.add<op::ScatterMax>(scatter_max_kernel, wide_types, true);
  table.add<op::ScatterAlongAxis>(scatter_along_axis_kernel, wide_types, true);
}

}  // namespace weft
