#include <weft/autograd/ops/softmax.hpp>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/lines.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

using cpu::Lines;

template <class Op> void forward_kernel(const KernelCall& call) {
  const Lines lines(call.inputs[0].shape(), call.op<Op>().axis);
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto& kernels = cpu::isa_kernels().softmax.of<T>();
    const auto run = std::is_same_v<Op, op::Softmax> ? kernels.softmax : kernels.log_softmax;
    const T* x = call.inputs[0].raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    cpu::parallel_lines(lines, [&](int64_t outer, int64_t count, int64_t column, int64_t columns) {
      const int64_t at = outer * lines.n * lines.inner + column;
      run(x + at, count, lines.n, lines.inner, columns, y + at);
    });
  });
}

template <class Op> void grad_kernel(const KernelCall& call) {
  const Lines lines(call.inputs[0].shape(), call.op<Op>().axis);
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto& kernels = cpu::isa_kernels().softmax.of<T>();
    const auto run = std::is_same_v<Op, op::SoftmaxGrad> ? kernels.softmax_grad : kernels.log_softmax_grad;
    const T *y = call.inputs[0].raw_as<T>(), *g = call.inputs[1].raw_as<T>();
    T* result = call.outputs[0].mutable_raw_as<T>();
    cpu::parallel_lines(lines, [&](int64_t outer, int64_t count, int64_t column, int64_t columns) {
      const int64_t at = outer * lines.n * lines.inner + column;
      run(y + at, g + at, count, lines.n, lines.inner, columns, result + at);
    });
  });
}

}  // namespace

void register_cpu_softmax(KernelTable& table) {
  table.add<op::Softmax>(forward_kernel<op::Softmax>, wide_floats);
  table.add<op::SoftmaxGrad>(grad_kernel<op::SoftmaxGrad>, wide_floats);
  table.add<op::LogSoftmax>(forward_kernel<op::LogSoftmax>, wide_floats);
  table.add<op::LogSoftmaxGrad>(grad_kernel<op::LogSoftmaxGrad>, wide_floats);
}

}  // namespace weft
