#include <weft/autograd/ops/cumulative.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <weft/backends/cpu/lines.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

/// Columns that run together, so that the inner loop has no dependency from one element to the next.
constexpr int64_t strip = 64;

/// For every line: state = start; then, along it, f(state, place) - which writes the result and moves the state on.
template <class State, class F> void run_lines(const Shape& shape, int axis, bool reverse, State start, F&& f) {
  const cpu::Lines lines(shape, axis);
  const int64_t strips = (lines.inner + strip - 1) / strip, width = std::min(strip, lines.inner);
  parallel_chunks(lines.outer * strips, cpu::lines_per_task(lines.n * width), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % strips * strip, columns = std::min(strip, lines.inner - first);
      if (lines.inner == 1) {  // alone, the state can stay in a register
        State state = start;
        for (int64_t i = 0; i < lines.n; ++i) f(state, task * lines.n + (reverse ? lines.n - 1 - i : i));
        continue;
      }
      State state[strip];
      std::fill_n(state, columns, start);
      for (int64_t i = 0; i < lines.n; ++i) {
        const int64_t row = task / strips * lines.n + (reverse ? lines.n - 1 - i : i), at = row * lines.inner + first;
        for (int64_t j = 0; j < columns; ++j) f(state[j], at + j);
      }
    }
  });
}

/// Running fold in Wide: y = join(y, x) from `start`.
template <class Op, class T, class Wide, class F> void fold(const KernelCall& call, Wide start, F&& join) {
  const auto& op = call.op<Op>();
  const T* x = call.inputs[0].raw_as<T>();
  T* y = call.outputs[0].mutable_raw_as<T>();
  if (op.exclusive)
    run_lines(call.inputs[0].shape(), op.axis, op.reverse, start, [&](Wide& state, int64_t at) {
      Wide element = static_cast<Wide>(x[at]);
      y[at] = static_cast<T>(state);
      state = join(state, element);
    });
  else
    run_lines(call.inputs[0].shape(), op.axis, op.reverse, start, [&](Wide& state, int64_t at) {
      state = join(state, static_cast<Wide>(x[at]));
      y[at] = static_cast<T>(state);
    });
}

/// Floats run in double, integers as unsigned numbers, which wrap around.
template <class Op, class F> void add_fold(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        constexpr int start = std::is_same_v<Op, op::CumProd> ? 1 : 0;
        visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          using Wide = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
          fold<Op, T, Wide>(call, start, F{});
        });
      },
      wide_numbers);
}

/// NaN stays from where it comes.
template <class Op> void extremum_kernel(const KernelCall& call) {
  visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_same_v<Op, op::CumMax>)
      fold<Op, T, T>(call, Limits::has_infinity ? -Limits::infinity() : Limits::lowest(),
                     [](T y, T x) { return y >= x || y != y ? y : x; });
    else
      fold<Op, T, T>(call, Limits::has_infinity ? Limits::infinity() : Limits::max(),
                     [](T y, T x) { return y <= x || y != y ? y : x; });
  });
}

void logsumexp_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    fold<op::CumLogSumExp, T, double>(call, -std::numeric_limits<double>::infinity(), [](double y, double x) {
      double distance = x == y ? 0 : std::abs(x - y);
      return (x > y ? x : y) + std::log1p(std::exp(-distance));
    });
  });
}

void scan_kernel(const KernelCall& call) {
  const auto& op = call.op<op::LinearScan>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T *a = call.inputs[0].raw_as<T>(), *b = call.inputs[1].raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    run_lines(call.inputs[0].shape(), op.axis, op.reverse, 0.0, [&](double& state, int64_t at) {
      y[at] = static_cast<T>(state);
      state = b[at] + a[at] * state;
    });
  });
}

}  // namespace

void register_cpu_cumulative(KernelTable& table) {
  add_fold<op::CumSum>(table, [](auto y, auto x) { return y + x; });
  add_fold<op::CumProd>(table, [](auto y, auto x) { return y * x; });
  table.add<op::CumMax>(extremum_kernel<op::CumMax>, wide_numbers);
  table.add<op::CumMin>(extremum_kernel<op::CumMin>, wide_numbers);
  table.add<op::CumLogSumExp>(logsumexp_kernel, wide_floats);
  table.add<op::LinearScan>(scan_kernel, wide_floats);
}

}  // namespace weft
