#include <weft/autograd/ops/slice.hpp>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void slice_update_kernel(const KernelCall& call) {
  const auto& op = call.op<op::SliceUpdate>();
  Tensor& out = call.outputs[0];
  cpu::copy_parallel(call.inputs[0], out);
  if (call.inputs[1].elements() == 0) return;
  Strides strides = out.strides();
  int64_t offset = out.offset();
  for (int i = 0; i < out.rank(); ++i) {
    offset += op.starts[i] * strides[i];
    strides[i] *= op.steps[i];
  }
  Tensor part = out.strided_view(op.counts, strides, offset);
  cpu::copy_parallel(call.inputs[1], part);
}

}  // namespace

void register_cpu_slice(KernelTable& table) { table.add<op::SliceUpdate>(slice_update_kernel, all_types, true); }

}  // namespace weft
