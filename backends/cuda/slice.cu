#include <weft/autograd/ops/slice.hpp>

#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

void slice_update_kernel(const KernelCall& call) {
  const auto& op = call.op<op::SliceUpdate>();
  Tensor& out = call.outputs[0];
  move_elements(call.inputs[0], out);
  if (call.inputs[1].elements() == 0) return;
  Strides strides = out.strides();
  int64_t offset = out.offset();
  for (int i = 0; i < out.rank(); ++i) {
    offset += op.starts[i] * strides[i];
    strides[i] *= op.steps[i];
  }
  Tensor part = out.strided_view(op.counts, strides, offset);
  move_elements(call.inputs[1], part);
}

}  // namespace

void register_cuda_slice(KernelTable& table) { table.add<op::SliceUpdate>(slice_update_kernel, all_types, true); }

}  // namespace weft::cuda
