#include <weft/autograd/ops/fused_elementwise.hpp>

#include <weft/backends/reference/table.hpp>
#include <weft/core/backend.hpp>

namespace weft {
namespace {

/// One instruction after another on whole arrays, each by its own reference kernel.
void fused_elementwise_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedElementwise>();
  const Device device = call.outputs[0].device();
  std::vector<DType> dtypes;
  for (const Tensor& input : call.inputs) dtypes.push_back(input.dtype());
  const ElementwiseProgram program = op.program->prepared(dtypes);
  std::vector<Tensor> results;
  for (const ElementwiseProgram::Instruction& now : program.instructions) {
    std::vector<Tensor> operands;
    Shape shape;
    for (int input : now.inputs) {
      operands.push_back(input < 0 ? results[static_cast<size_t>(~input)] : call.inputs[static_cast<size_t>(input)]);
      shape = broadcast_shapes(shape, operands.back().shape(), "fused_elementwise");
    }
    std::vector<Tensor> result{Tensor::empty(shape, now.dtype, device)};
    const KernelEntry& kernel = *device.backend().kernels().find(now.primitive);
    if (!kernel.strided)
      for (Tensor& operand : operands) operand = operand.contiguous();
    kernel.run({now.op.get(), operands, result});
    results.push_back(result[0]);
  }
  for (size_t i = 0; i < program.outputs.size(); ++i)
    call.outputs[i].assign(results[static_cast<size_t>(program.outputs[i])]);
}

}  // namespace

void register_reference_fused_elementwise(KernelTable& table) {
  table.add<op::FusedElementwise>(fused_elementwise_kernel, wide_types, true);
}

}  // namespace weft
