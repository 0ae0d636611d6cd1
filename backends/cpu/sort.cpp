#include <weft/autograd/ops/sort.hpp>

#include <algorithm>
#include <vector>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

template <class T> struct Entry {
  T key;
  int32_t place;
};

template <class T> bool is_nan(T value) { return value != value; }

/// Equal keys are ordered by place, so that any sort is a stable one; NaN comes last.
template <class T, bool descending> bool before(const Entry<T>& a, const Entry<T>& b) {
  if (is_nan(a.key) || is_nan(b.key)) return is_nan(a.key) == is_nan(b.key) ? a.place < b.place : is_nan(b.key);
  if (a.key != b.key) return descending ? a.key > b.key : a.key < b.key;
  return a.place < b.place;
}

template <class F> void visit_sortable(DType dtype, F&& f) {
  if (dtype == DType::boolean) return f(std::type_identity<bool>{});
  visit_wide_number(dtype, f);
}

void argsort_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Argsort>();
  const Tensor& x = call.inputs[0];
  const cpu::AxisView view(x.shape(), op.axis);
  visit_sortable(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* from = x.raw_as<T>();
    int32_t* to = call.outputs[0].mutable_raw_as<int32_t>();
    // Sorting costs far more than moving, so lines go out in smaller tasks than elsewhere.
    const int64_t chunk = cpu::items_per_task(view.extent * 16);
    parallel_chunks(view.outer * view.inner, chunk, [&](int64_t begin, int64_t end) {
      std::vector<Entry<T>> entries(static_cast<size_t>(view.extent));
      for (int64_t line = begin; line < end; ++line) {
        const int64_t start = line / view.inner * view.extent * view.inner + line % view.inner;
        for (int64_t i = 0; i < view.extent; ++i)
          entries[static_cast<size_t>(i)] = {from[start + i * view.inner], static_cast<int32_t>(i)};
        std::sort(entries.begin(), entries.end(), op.descending ? before<T, true> : before<T, false>);
        for (int64_t i = 0; i < view.extent; ++i) to[start + i * view.inner] = entries[static_cast<size_t>(i)].place;
      }
    });
  });
}

void searchsorted_kernel(const KernelCall& call) {
  const Tensor &sorted = call.inputs[0], &values = call.inputs[1];
  const bool right = call.op<op::SearchSorted>().right;
  visit_sortable(sorted.dtype(), [&]<class T>(std::type_identity<T>) {
    const T *first = sorted.raw_as<T>(), *last = first + sorted.elements();
    const T* wanted = values.raw_as<T>();
    int32_t* out = call.outputs[0].mutable_raw_as<int32_t>();
    auto less = [](T a, T b) { return is_nan(b) ? !is_nan(a) : a < b; };
    parallel_chunks(values.elements(), 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* place =
            right ? std::upper_bound(first, last, wanted[i], less) : std::lower_bound(first, last, wanted[i], less);
        out[i] = static_cast<int32_t>(place - first);
      }
    });
  });
}

}  // namespace

void register_cpu_sort(KernelTable& table) {
  table.add<op::Argsort>(argsort_kernel, wide_types);
  table.add<op::SearchSorted>(searchsorted_kernel, wide_types);
}

}  // namespace weft
