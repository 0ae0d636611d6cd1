#include <weft/autograd/ops/activation.hpp>

#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

template <class F, int inputs> void run(const KernelCall& call) {
  cpu::vector_map(call, cpu::isa_kernels().activation.get<cpu::Loops<F, inputs>>(), F{});
}

void gelu_kernel(const KernelCall& call) {
  call.op<op::Gelu>().approximate ? run<functors::GeluTanh, 1>(call) : run<functors::GeluErf, 1>(call);
}
void gelu_grad_kernel(const KernelCall& call) {
  call.op<op::GeluGrad>().approximate ? run<functors::GeluTanhGrad, 2>(call) : run<functors::GeluErfGrad, 2>(call);
}

}  // namespace

void register_cpu_activation(KernelTable& table) {
  table.add<op::Gelu>(gelu_kernel, wide_floats, true);
  table.add<op::GeluGrad>(gelu_grad_kernel, wide_floats, true);
  table.add<op::Silu>(run<functors::Silu, 1>, wide_floats, true);
  table.add<op::SiluGrad>(run<functors::SiluGrad, 2>, wide_floats, true);
}

}  // namespace weft
