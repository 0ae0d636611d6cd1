#include <weft/autograd/ops/softmax.hpp>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/lines.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>
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
    const int64_t size = lines.n * lines.inner;
    parallel_chunks(lines.outer, cpu::lines_per_task(size), [&](int64_t begin, int64_t end) {
      run(x + begin * size, end - begin, lines.n, lines.inner, y + begin * size);
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
    const int64_t size = lines.n * lines.inner;
    parallel_chunks(lines.outer, cpu::lines_per_task(size), [&](int64_t begin, int64_t end) {
      run(y + begin * size, g + begin * size, end - begin, lines.n, lines.inner, result + begin * size);
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
