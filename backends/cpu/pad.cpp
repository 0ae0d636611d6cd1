#include <weft/autograd/ops/pad.hpp>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void pad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Pad>();
  const Tensor& x = call.inputs[0];
  Tensor& out = call.outputs[0];
  cpu::fill_parallel(out, op.value);
  if (x.elements() == 0) return;
  Strides strides = out.strides();
  int64_t offset = out.offset();
  for (int i = 0; i < out.rank(); ++i) {
    offset += op.low[i] * strides[i];
    strides[i] *= op.interior[i] + 1;
  }
  Tensor part = out.strided_view(x.shape(), strides, offset);
  cpu::copy_parallel(x, part);
}

}  // namespace

void register_cpu_pad(KernelTable& table) { table.add<op::Pad>(pad_kernel, all_types, true); }

}  // namespace weft
