#include <weft/autograd/ops/activation.hpp>

#include <weft/autograd/ops/activation_functors.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

void gelu_kernel(const KernelCall& call) {
  call.op<op::Gelu>().approximate ? float_map<functors::GeluTanh, 1>(call) : float_map<functors::GeluErf, 1>(call);
}
void gelu_grad_kernel(const KernelCall& call) {
  call.op<op::GeluGrad>().approximate ? float_map<functors::GeluTanhGrad, 2>(call)
                                      : float_map<functors::GeluErfGrad, 2>(call);
}

}  // namespace

void register_cuda_activation(KernelTable& table) {
  table.add<op::Gelu>(gelu_kernel, all_floats, true);
  table.add<op::GeluGrad>(gelu_grad_kernel, all_floats, true);
  table.add<op::Silu>(float_map<functors::Silu, 1>, all_floats, true);
  table.add<op::SiluGrad>(float_map<functors::SiluGrad, 2>, all_floats, true);
}

}  // namespace weft::cuda
