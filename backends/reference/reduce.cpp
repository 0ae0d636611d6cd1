#include <weft/autograd/ops/reduce.hpp>

#include <cmath>
#include <vector>

#include <weft/backends/reference/folds.hpp>
#include <weft/backends/reference/table.hpp>
#include <weft/core/strided_loop.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

/// Calls f(output place, input place) for every element of the input, in row-major order.
template <class F> void for_each_reduced(const KernelCall& call, const Shape& axes, bool keepdims, F&& f) {
  const Shape& shape = call.inputs[0].shape();
  Strides kept = row_major_strides(call.outputs[0].shape()), strides = Strides::filled(shape.rank(), 0);
  for (int i = 0, next = 0, at = 0; i < shape.rank(); ++i) {
    bool reduced = next < axes.rank() && axes[next] == i;
    if (reduced) ++next;
    if (!reduced) strides[i] = kept[at];
    if (!reduced || keepdims) ++at;
  }
  strided_rows<2>(shape, {strides, row_major_strides(shape)},
                  [&](int64_t count, std::array<int64_t, 2> at, std::array<int64_t, 2> step) {
                    for (int64_t i = 0; i < count; ++i) f(at[0] + i * step[0], at[1] + i * step[1]);
                  });
}

/// Folds in Wide: y = f(y, x) for every element x that goes into y, from `start`.
struct Folder {
  template <class T, class Wide, class Op, class F> static void fold(const KernelCall& call, Wide start, F&& f) {
    const auto& op = call.op<Op>();
    const T* x = call.inputs[0].raw_as<T>();
    std::vector<Wide> y(static_cast<size_t>(call.outputs[0].elements()), start);
    for_each_reduced(call, op.axes, op.keepdims, [&](int64_t at, int64_t i) {
      y[static_cast<size_t>(at)] = f(y[static_cast<size_t>(at)], static_cast<Wide>(x[i]));
    });
    for (size_t i = 0; i < y.size(); ++i) call.outputs[0].mutable_raw_as<T>()[i] = static_cast<T>(y[i]);
  }
};

void any_kernel(const KernelCall& call) {
  Folder::fold<bool, int, op::Any>(call, 0, [](int y, int x) { return y | x; });
}
void all_kernel(const KernelCall& call) {
  Folder::fold<bool, int, op::All>(call, 1, [](int y, int x) { return y & x; });
}

void logsumexp_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LogSumExp>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* x = call.inputs[0].raw_as<T>();
    auto n = static_cast<size_t>(call.outputs[0].elements());
    std::vector<double> largest(n, -HUGE_VAL), total(n, 0);
    for_each_reduced(call, op.axes, op.keepdims, [&](int64_t at, int64_t i) {
      double& y = largest[static_cast<size_t>(at)];
      if (x[i] > y) y = x[i];
    });
    for_each_reduced(call, op.axes, op.keepdims, [&](int64_t at, int64_t i) {
      double shift = largest[static_cast<size_t>(at)];
      total[static_cast<size_t>(at)] += x[i] == shift ? 1 : std::exp(x[i] - shift);
    });
    for (size_t i = 0; i < n; ++i)
      call.outputs[0].mutable_raw_as<T>()[i] = static_cast<T>(largest[i] + std::log(total[i]));
  });
}

template <class Op> void arg_kernel(const KernelCall& call) {
  const auto& op = call.op<Op>();
  const Shape& shape = call.inputs[0].shape();
  const int64_t inner = shape.slice(op.axis + 1, shape.rank()).elements(), extent = shape[op.axis];
  visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < call.outputs[0].elements(); ++i) {
      const T* x = call.inputs[0].raw_as<T>() + i / inner * extent * inner + i % inner;
      int64_t best = 0;
      for (int64_t k = 1; k < extent; ++k) {
        T a = x[k * inner], b = x[best * inner];
        bool better = std::is_same_v<Op, op::ArgMax> ? a > b : a < b;
        if (b == b && (better || a != a)) best = k;
      }
      call.outputs[0].mutable_raw_as<int64_t>()[i] = best;
    }
  });
}

}  // namespace

void register_reference_reduce(KernelTable& table) {
  add_fold<Folder, op::Sum, 0>(table, [](auto y, auto x) { return y + x; });
  add_fold<Folder, op::Prod, 1>(table, [](auto y, auto x) { return y * x; });
  add_extremum<Folder, op::Max, true>(table);
  add_extremum<Folder, op::Min, false>(table);
  table.add<op::Any>(any_kernel, {DType::boolean});
  table.add<op::All>(all_kernel, {DType::boolean});
  table.add<op::LogSumExp>(logsumexp_kernel, wide_floats);
  table.add<op::ArgMax>(arg_kernel<op::ArgMax>, wide_numbers);
  table.add<op::ArgMin>(arg_kernel<op::ArgMin>, wide_numbers);
}

}  // namespace weft
