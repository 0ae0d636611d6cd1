#include <weft/autograd/ops/cumulative.hpp>

#include <weft/backends/cuda/reduce_folds.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/axis_lines.hpp>

// Running totals by a fold (reduce_folds.hpp). A thread for each line where there are many of them; else a block, whose
// threads fold a few neighbours each and then share their totals.

namespace weft::cuda {
namespace {

/// y[i + 1] = a[i] y[i] + b[i], as the function of y[0] that all elements so far make together.
template <class T> struct LinearFold {
  using C = Computed<T>;
  struct Total {
    C factor, sum;
  };
  WEFT_DEVICE static Total start() { return {C(1), C(0)}; }
  WEFT_DEVICE static Total load(T a, T b) { return {static_cast<C>(a), static_cast<C>(b)}; }
  WEFT_DEVICE static Total combine(Total x, Total y) { return {x.factor * y.factor, y.sum + y.factor * x.sum}; }
  WEFT_DEVICE static T finish(Total total) { return static_cast<T>(total.sum); }
};

template <class Fold, class T> struct Scan {
  using Total = typename Fold::Total;
  static constexpr int each = 8;  ///< neighbours for a thread
  const T *x, *second;            ///< the second input, if the fold takes one
  T* y;
  int64_t lines, n, inner;
  bool reverse, exclusive, serial;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (serial) {
      for (int64_t line = thread.global_index(); line < lines; line += thread.global_size())
        run(line, 0, n, Fold::start());
    } else {
      together(thread);
    }
  }

 private:
  WEFT_DEVICE int64_t place(int64_t line, int64_t i) const {
    return line / inner * n * inner + line % inner + (reverse ? n - 1 - i : i) * inner;
  }
  WEFT_DEVICE Total load(int64_t at) const {
    if constexpr (std::is_same_v<Fold, LinearFold<T>>) return Fold::load(x[at], second[at]);
    else return Fold::load(x[at], 0);
  }
  /// Writes elements [begin, end), before which there was `total`.
  WEFT_DEVICE void run(int64_t line, int64_t begin, int64_t end, Total total) const {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = place(line, i);
      const Total next = Fold::combine(total, load(at));
      y[at] = Fold::finish(exclusive ? total : next);
      total = next;
    }
  }
  WEFT_DEVICE void together(const Thread& thread) const {
    const int threads = thread.block_size(), me = thread.index();
    const int64_t line = thread.block();
    auto totals = thread.template shared<Total>(0, 2 * threads);
    Total carried = Fold::start();
    for (int64_t tile = 0; tile < n; tile += int64_t{each} * threads) {
      const int64_t begin = tile + int64_t{each} * me, wanted = begin + each, end = wanted < n ? wanted : n;
      Total mine = Fold::start();
      for (int64_t i = begin; i < end; ++i) mine = Fold::combine(mine, load(place(line, i)));
      // Totals of 2, 4, 8, ... threads up to this one, from one half of the memory to the other.
      int half = 0;
      totals[me] = mine;
      thread.sync();
      for (int distance = 1; distance < threads; distance *= 2, half = threads - half) {
        if (me >= distance) mine = Fold::combine(static_cast<Total>(totals[half + me - distance]), mine);
        totals[threads - half + me] = mine;
        thread.sync();
      }
      const Total before = me > 0 ? static_cast<Total>(totals[half + me - 1]) : Fold::start();
      run(line, begin, end, Fold::combine(carried, before));
      carried = Fold::combine(carried, static_cast<Total>(totals[half + threads - 1]));
      thread.sync();
    }
  }
};

template <class Fold, class T, class Op>
void scan(const KernelCall& call, const Op& op, bool exclusive, const T* second = nullptr) {
  const AxisLines lines(call.inputs[0].shape(), op.axis);
  constexpr int64_t short_line = 32, many_lines = 4096;
  const bool serial = lines.n <= short_line || lines.count() >= many_lines;
  const Scan<Fold, T> kernel{call.inputs[0].raw_as<T>(),
                             second,
                             call.outputs[0].mutable_raw_as<T>(),
                             lines.count(),
                             lines.n,
                             lines.inner,
                             op.reverse,
                             exclusive,
                             serial};
  if (serial) launch(kernel, blocks_for(lines.count()), usual_threads);
  else launch_blocks(kernel, lines.count(), usual_threads, 2 * sizeof(typename Fold::Total) * size_t{usual_threads});
}

template <class Op, template <class> class Fold> void add_scan(KernelTable& table, DTypeSet dtypes) {
  table.add<Op>(
      [](const KernelCall& call) {
        const auto& op = call.op<Op>();
        auto run = [&]<class T>(std::type_identity<T>) { scan<Fold<T>, T>(call, op, op.exclusive); };
        if constexpr (!std::is_same_v<Op, op::CumLogSumExp>) {
          if (is_integer(call.inputs[0].dtype())) return visit_integer(call.inputs[0].dtype(), run);
        }
        visit_float(call.inputs[0].dtype(), run);
      },
      dtypes);
}

void linear_scan_kernel(const KernelCall& call) {
  visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    scan<LinearFold<T>, T>(call, call.op<op::LinearScan>(), true, call.inputs[1].raw_as<T>());
  });
}

}  // namespace

void register_cuda_cumulative(KernelTable& table) {
  add_scan<op::CumSum, SumFold>(table, all_numbers);
  add_scan<op::CumProd, ProdFold>(table, all_numbers);
  add_scan<op::CumMax, MaxFold>(table, all_numbers);
  add_scan<op::CumMin, MinFold>(table, all_numbers);
  add_scan<op::CumLogSumExp, LogSumExpFold>(table, all_floats);
  table.add<op::LinearScan>(linear_scan_kernel, all_floats);
}

}  // namespace weft::cuda
