#include <weft/autograd/ops/parameter_average.hpp>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/multi_tensor.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void parameter_average(const KernelCall& call) {
  const double step_size = call.op<op::ParameterAverage>().step_size;
  const size_t n = call.inputs.size() / 2;
  const cpu::OptimizerKernels& kernels = cpu::isa_kernels().optimizer;
  cpu::MultiTensor(call.inputs.first(n)).run([&](int64_t, size_t place, int64_t begin, int64_t end) {
    visit_wide_float(call.inputs[place].dtype(), [&]<class T>(std::type_identity<T>) {
      kernels.of<T>().average(call.inputs[place].raw_as<T>() + begin, call.inputs[n + place].raw_as<T>() + begin,
                              end - begin, static_cast<T>(step_size), static_cast<T>(1 - step_size),
                              call.outputs[place].mutable_raw_as<T>() + begin);
    });
  });
}

}  // namespace

void register_cpu_parameter_average(KernelTable& table) {
  table.add<op::ParameterAverage>(parameter_average, wide_floats);
}

}  // namespace weft
