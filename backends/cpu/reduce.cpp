#include <weft/autograd/ops/reduce.hpp>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/lines.hpp>
#include <weft/backends/cpu/reduce_axes.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/reduce_stages.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

/// Calls run(stage, from, to) for one stage after the other, the last into the output. Stages that leave nothing to
/// reduce still run, since they give the identity.
template <class T, class F> void run_stages(const KernelCall& call, const Shape& axes, F&& run) {
  const ReduceStages stages = reduce_stages(call.inputs[0].shape(), axes);
  int64_t between = 0;
  for (int i = 0; i + 1 < stages.count; ++i) {
    const ReduceStage& stage = stages.list[static_cast<size_t>(i)];
    between += stage.outer * stage.inner;
  }
  T* next = between ? cpu::scratch<T>(cpu::ScratchUse::reduce_stages, between) : nullptr;
  const T* from = call.inputs[0].raw_as<T>();
  for (int i = 0; i < stages.count; ++i) {
    const ReduceStage& stage = stages.list[static_cast<size_t>(i)];
    T* to = i + 1 < stages.count ? next : call.outputs[0].mutable_raw_as<T>();
    run(stage, from, to);
    from = to;
    if (i + 1 < stages.count) next += stage.outer * stage.inner;
  }
}

/// The same for types without vector code: y = join(y, x) from `start`, in order.
template <class T, class F> void plain_stages(const KernelCall& call, const Shape& axes, T start, F&& join) {
  run_stages<T>(call, axes, [&](const ReduceStage& stage, const T* x, T* y) {
    const int64_t size = stage.n * stage.inner;
    parallel_chunks(stage.outer, cpu::lines_per_task(size), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        T* result = y + o * stage.inner;
        std::fill_n(result, stage.inner, start);
        for (int64_t i = 0; i < stage.n; ++i)
          for (int64_t j = 0; j < stage.inner; ++j)
            result[j] = static_cast<T>(join(result[j], x[o * size + i * stage.inner + j]));
      }
    });
  });
}

template <class Op>
constexpr cpu::Reduction kind_of = std::is_same_v<Op, op::Sum>    ? cpu::Reduction::sum
                                   : std::is_same_v<Op, op::Prod> ? cpu::Reduction::product
                                   : std::is_same_v<Op, op::Max>  ? cpu::Reduction::max
                                                                  : cpu::Reduction::min;

/// Floats through the vector engine; integers from the identity `start(T{})`, wrapping around.
template <class Op, class Start, class F> void add_reduction(KernelTable& table, Start, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        const Shape& axes = call.op<Op>().axes;
        visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          if constexpr (std::is_integral_v<T>) plain_stages<T>(call, axes, Start{}(T{}), F{});
          else
            run_stages<T>(call, axes, [](const ReduceStage& stage, const T* x, T* y) {
              cpu::reduce_axis(kind_of<Op>, x, stage.outer, stage.n, stage.inner, y);
            });
        });
      },
      wide_numbers);
}

void logsumexp_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    run_stages<T>(call, call.op<op::LogSumExp>().axes, [](const ReduceStage& stage, const T* x, T* y) {
      const cpu::Lines lines(stage.outer, stage.n, stage.inner);
      cpu::parallel_lines(lines, [&](int64_t outer, int64_t count, int64_t column, int64_t columns) {
        cpu::isa_kernels().softmax.of<T>().logsumexp(x + outer * lines.n * lines.inner + column, count, lines.n,
                                                     lines.inner, columns, y + outer * lines.inner + column);
      });
    });
  });
}

void any_kernel(const KernelCall& call) {
  plain_stages<bool>(call, call.op<op::Any>().axes, false, [](bool y, bool x) { return y | x; });
}
void all_kernel(const KernelCall& call) {
  plain_stages<bool>(call, call.op<op::All>().axes, true, [](bool y, bool x) { return y & x; });
}

/// The first place of the extremum of each contiguous row: vector code finds the value, a scan its place.
template <class Op, class T> void arg_rows(const T* x, int64_t rows, int64_t n, int64_t* y) {
  constexpr auto kind = std::is_same_v<Op, op::ArgMax> ? cpu::Reduction::max : cpu::Reduction::min;
  const auto run = cpu::isa_kernels().reduce.of<T>().rows[static_cast<int>(kind)];
  parallel_chunks(rows, cpu::lines_per_task(n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * n;
      T best;
      run(from, 1, n, n, &best);
      // Whole blocks first, which the compiler makes vectors of.
      int64_t at = 0;
      for (constexpr int64_t block = 64; at + block <= n; at += block) {
        int found = 0;
        for (int64_t i = at; i < at + block; ++i) found |= (from[i] == best) | (from[i] != from[i]);
        if (found) break;
      }
      while (at + 1 < n && from[at] != best && from[at] == from[at]) ++at;
      y[row] = at;
    }
  });
}

template <class Op> void arg_kernel(const KernelCall& call) {
  const cpu::Lines lines(call.inputs[0].shape(), call.op<Op>().axis);
  int64_t* y = call.outputs[0].mutable_raw_as<int64_t>();
  visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* x = call.inputs[0].raw_as<T>();
    if constexpr (std::is_floating_point_v<T>)
      if (lines.inner == 1) return arg_rows<Op>(x, lines.outer, lines.n, y);
    // The first NaN beats everything.
    auto better = [](T a, T b) { return (std::is_same_v<Op, op::ArgMax> ? a > b : a < b) || (a != a && b == b); };
    parallel_chunks(lines.outer * lines.inner, cpu::lines_per_task(lines.n), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        const T* from = x + line / lines.inner * lines.n * lines.inner + line % lines.inner;
        T best = from[0];
        int64_t place = 0;
        for (int64_t i = 1; i < lines.n; ++i)
          if (better(from[i * lines.inner], best)) best = from[i * lines.inner], place = i;
        y[line] = place;
      }
    });
  });
}

template <class T> auto bits(T x) { return static_cast<std::make_unsigned_t<T>>(x); }

}  // namespace

void register_cpu_reduce(KernelTable& table) {
  add_reduction<op::Sum>(
      table, [](auto x) { return x; }, [](auto y, auto x) { return bits(y) + bits(x); });
  add_reduction<op::Prod>(
      table, [](auto x) { return decltype(x)(x + 1); }, [](auto y, auto x) { return bits(y) * bits(x); });
  add_reduction<op::Max>(
      table, [](auto x) { return std::numeric_limits<decltype(x)>::lowest(); },
      [](auto y, auto x) { return std::max(y, x); });
  add_reduction<op::Min>(
      table, [](auto x) { return std::numeric_limits<decltype(x)>::max(); },
      [](auto y, auto x) { return std::min(y, x); });
  table.add<op::LogSumExp>(logsumexp_kernel, wide_floats);
  table.add<op::Any>(any_kernel, {DType::boolean});
  table.add<op::All>(all_kernel, {DType::boolean});
  table.add<op::ArgMax>(arg_kernel<op::ArgMax>, wide_numbers);
  table.add<op::ArgMin>(arg_kernel<op::ArgMin>, wide_numbers);
}

}  // namespace weft
