#include <weft/autograd/ops/softmax.hpp>

#include <cmath>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/reduce_block.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/axis_lines.hpp>

// One block for each line along the axis; lines that are not contiguous are read with their stride.

namespace weft::cuda {
namespace {

using std::exp, std::log;

/// softmax(x), or its logarithm.
template <class T, bool logarithm> struct SoftmaxLine {
  const T* x;
  T* y;
  int64_t n, inner;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    using C = Computed<T>;
    const int64_t first = thread.block() / inner * n * inner + thread.block() % inner;
    C largest = C(-HUGE_VAL);
    for (int64_t i = thread.index(); i < n; i += thread.block_size())
      largest = Largest()(largest, static_cast<C>(x[first + i * inner]));
    largest = reduce_block(thread, largest, Largest());
    thread.sync();
    if (largest == C(-HUGE_VAL)) largest = 0;  // a line of -inf gives NaN, not an error of subtraction
    C sum = 0;
    for (int64_t i = thread.index(); i < n; i += thread.block_size())
      sum += exp(static_cast<C>(x[first + i * inner]) - largest);
    sum = reduce_block(thread, sum, Sum());
    const C shift = largest + log(sum), scale = 1 / sum;
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
      const C value = static_cast<C>(x[first + i * inner]);
      y[first + i * inner] = static_cast<T>(logarithm ? value - shift : exp(value - largest) * scale);
    }
  }
};

/// Cotangent of x from the result y and its cotangent g.
template <class T, bool logarithm> struct SoftmaxGradLine {
  const T *y, *g;
  T* result;
  int64_t n, inner;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    using C = Computed<T>;
    const int64_t first = thread.block() / inner * n * inner + thread.block() % inner;
    C sum = 0;
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
      const C cotangent = static_cast<C>(g[first + i * inner]);
      sum += logarithm ? cotangent : cotangent * static_cast<C>(y[first + i * inner]);
    }
    sum = reduce_block(thread, sum, Sum());
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) {
      const C value = static_cast<C>(y[first + i * inner]), cotangent = static_cast<C>(g[first + i * inner]);
      result[first + i * inner] = static_cast<T>(logarithm ? cotangent - exp(value) * sum : value * (cotangent - sum));
    }
  }
};

template <class Op, bool logarithm> void forward_kernel(const KernelCall& call) {
  const AxisLines lines(call.inputs[0].shape(), call.op<Op>().axis);
  const int threads = threads_for_row(lines.n);
  visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    launch_blocks(SoftmaxLine<T, logarithm>{call.inputs[0].raw_as<T>(), call.outputs[0].mutable_raw_as<T>(), lines.n,
                                            lines.inner},
                  lines.count(), threads, reduce_bytes<Computed<T>>(threads));
  });
}

template <class Op, bool logarithm> void grad_kernel(const KernelCall& call) {
  const AxisLines lines(call.inputs[0].shape(), call.op<Op>().axis);
  const int threads = threads_for_row(lines.n);
  visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    launch_blocks(SoftmaxGradLine<T, logarithm>{call.inputs[0].raw_as<T>(), call.inputs[1].raw_as<T>(),
                                                call.outputs[0].mutable_raw_as<T>(), lines.n, lines.inner},
                  lines.count(), threads, reduce_bytes<Computed<T>>(threads));
  });
}

}  // namespace

void register_cuda_softmax(KernelTable& table) {
  table.add<op::Softmax>(forward_kernel<op::Softmax, false>, all_floats);
  table.add<op::LogSoftmax>(forward_kernel<op::LogSoftmax, true>, all_floats);
  table.add<op::SoftmaxGrad>(grad_kernel<op::SoftmaxGrad, false>, all_floats);
  table.add<op::LogSoftmaxGrad>(grad_kernel<op::LogSoftmaxGrad, true>, all_floats);
}

}  // namespace weft::cuda
