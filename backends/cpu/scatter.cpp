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

/// How the places [outer, extent, inner] are shared among tasks: in ranges along the axis, and in stripes of columns. A
/// range's task looks at all indices, so that every place takes in its updates in index order, whatever the threads.
struct Shares {
  int64_t ranges = 1, range, stripes = 1, stripe;

  Shares(const cpu::AxisView& view, int64_t count, int64_t item) : range(view.extent), stripe(view.inner) {
    // Small work is one task. The more columns, the less the search for indices weighs.
    if (view.outer * count * view.inner <= 131072) return;
    const int64_t line = 64 / item;
    stripe = std::max(4 * line, (view.inner / 4 + line - 1) / line * line);
    stripes = (view.inner + stripe - 1) / stripe;
    if (view.inner < line) return;
    range = std::max<int64_t>(1, (view.extent + 7) / 8);
    ranges = (view.extent + range - 1) / range;
  }
};

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
      const Shares shares(view, count, static_cast<int64_t>(sizeof(T)));
      parallel_for(view.outer * shares.ranges * shares.stripes, [&](int64_t task) {
        const int64_t first = task % shares.stripes * shares.stripe,
                      least = task / shares.stripes % shares.ranges * shares.range;
        const int64_t outer = task / shares.stripes / shares.ranges, most = least + shares.range;
        const int64_t width = std::min(shares.stripe, inner - first);
        T* to = out.mutable_raw_as<T>() + outer * view.extent * inner + first;
        const T* from = updates.raw_as<T>() + outer * count * inner + first;
        for (int64_t i = 0; i < count; ++i) {
          const int64_t place = resolve_index(places[i], view.extent, mode);
          if (place < least || place >= most) continue;
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
