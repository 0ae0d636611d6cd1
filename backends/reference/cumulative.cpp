#include <weft/autograd/ops/cumulative.hpp>

#include <cmath>

#include <weft/backends/reference/folds.hpp>
#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

/// Calls f(first, step, extent) for every line along `axis`: the places first, first + step, ...
template <class F> void for_each_line(const Shape& shape, int axis, bool reverse, F&& f) {
  const int64_t inner = shape.slice(axis + 1, shape.rank()).elements(), extent = shape[axis];
  if (shape.elements() == 0) return;
  for (int64_t line = 0; line < shape.elements() / extent; ++line) {
    int64_t first = line / inner * extent * inner + line % inner;
    reverse ? f(first + (extent - 1) * inner, -inner, extent) : f(first, inner, extent);
  }
}

/// y[i] = the fold in Wide of x[0 .. i], or of what comes before i.
struct Folder {
  template <class T, class Wide, class Op, class F> static void fold(const KernelCall& call, Wide start, F&& f) {
    const auto& op = call.op<Op>();
    const T* x = call.inputs[0].raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    for_each_line(call.inputs[0].shape(), op.axis, op.reverse, [&](int64_t at, int64_t step, int64_t extent) {
      Wide total = start;
      for (int64_t i = 0; i < extent; ++i, at += step) {
        Wide next = f(total, static_cast<Wide>(x[at]));
        y[at] = static_cast<T>(op.exclusive ? total : next);
        total = next;
      }
    });
  }
};

void logsumexp_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    Folder::fold<T, double, op::CumLogSumExp>(call, -HUGE_VAL, [](double y, double x) {
      if (std::isnan(x) || std::isnan(y)) return std::nan("");
      return x == y ? x + std::log(2.0) : std::fmax(x, y) + std::log1p(std::exp(-std::fabs(x - y)));
    });
  });
}

void scan_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LinearScan>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T *a = call.inputs[0].raw_as<T>(), *b = call.inputs[1].raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    for_each_line(call.inputs[0].shape(), op.axis, op.reverse, [&](int64_t at, int64_t step, int64_t extent) {
      double value = 0;
      for (int64_t i = 0; i < extent; ++i, at += step) {
        y[at] = static_cast<T>(value);
        value = b[at] + a[at] * value;
      }
    });
  });
}

}  // namespace

void register_reference_cumulative(KernelTable& table) {
  add_fold<Folder, op::CumSum, 0>(table, [](auto y, auto x) { return y + x; });
  add_fold<Folder, op::CumProd, 1>(table, [](auto y, auto x) { return y * x; });
  add_extremum<Folder, op::CumMax, true>(table);
  add_extremum<Folder, op::CumMin, false>(table);
  table.add<op::CumLogSumExp>(logsumexp_kernel, wide_floats);
  table.add<op::LinearScan>(scan_kernel, wide_floats);
}

}  // namespace weft
