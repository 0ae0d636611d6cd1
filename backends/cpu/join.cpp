#include <weft/autograd/ops/join.hpp>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void concatenate_kernel(const KernelCall& call) {
  const int axis = call.op<op::Concatenate>().axis;
  Tensor& out = call.outputs[0];
  int64_t start = 0;
  for (const Tensor& input : call.inputs) {
    Tensor part = out.strided_view(input.shape(), out.strides(), out.offset() + start * out.strides()[axis]);
    cpu::copy_parallel(input, part);
    start += input.shape()[axis];
  }
}

}  // namespace

void register_cpu_join(KernelTable& table) { table.add<op::Concatenate>(concatenate_kernel, all_types, true); }

}  // namespace weft
