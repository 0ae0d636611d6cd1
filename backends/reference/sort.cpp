#include <weft/autograd/ops/sort.hpp>

#include <algorithm>
#include <cmath>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

/// Whether `a` has to come before `b`; nothing comes after a NaN but another one.
template <class T> bool before(T a, T b, bool descending) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  return descending ? a > b : a < b;
}

template <class F> void visit_sortable(DType dtype, F&& f) {
  if (dtype == DType::boolean) return f(std::type_identity<bool>{});
  visit_wide_number(dtype, f);
}

void argsort_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Argsort>();
  const Tensor& x = call.inputs[0];
  const int64_t extent = x.shape()[op.axis];
  Shape starts = x.shape();
  starts[op.axis] = std::min<int64_t>(extent, 1);
  const int64_t step = row_major_strides(x.shape())[op.axis];
  visit_sortable(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(starts, [&](int64_t, const Shape& index) {
      const int64_t start = reference::flat_place(index, x.shape());
      std::vector<int32_t> order(static_cast<size_t>(extent));
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
      const T* line = x.raw_as<T>() + start;
      std::stable_sort(order.begin(), order.end(),
                       [&](int32_t a, int32_t b) { return before(line[a * step], line[b * step], op.descending); });
      for (int64_t i = 0; i < extent; ++i)
        call.outputs[0].mutable_raw_as<int32_t>()[start + i * step] = order[static_cast<size_t>(i)];
    });
  });
}

void searchsorted_kernel(const KernelCall& call) {
  const Tensor &sorted = call.inputs[0], &values = call.inputs[1];
  const bool right = call.op<op::SearchSorted>().right;
  visit_sortable(sorted.dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < values.elements(); ++i) {
      const T value = values.raw_as<T>()[i];
      int32_t count = 0;
      for (int64_t j = 0; j < sorted.elements(); ++j) {
        const T element = sorted.raw_as<T>()[j];
        count += right ? !before(value, element, false) : before(element, value, false);
      }
      call.outputs[0].mutable_raw_as<int32_t>()[i] = count;
    }
  });
}

}  // namespace

void register_reference_sort(KernelTable& table) {
  table.add<op::Argsort>(argsort_kernel, wide_types);
  table.add<op::SearchSorted>(searchsorted_kernel, wide_types);
}

}  // namespace weft
