#include <weft/autograd/ops/join.hpp>

#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

void concatenate_kernel(const KernelCall& call) {
  const int axis = call.op<op::Concatenate>().axis;
  Tensor& out = call.outputs[0];
  int64_t start = 0;
  for (const Tensor& input : call.inputs) {
    Tensor part = out.strided_view(input.shape(), out.strides(), out.offset() + start * out.strides()[axis]);
    move_elements(input, part);
    start += input.shape()[axis];
  }
}

}  // namespace

void register_cuda_join(KernelTable& table) { table.add<op::Concatenate>(concatenate_kernel, all_types, true); }

}  // namespace weft::cuda
