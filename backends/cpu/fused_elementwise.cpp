#include <weft/autograd/ops/fused_elementwise.hpp>

#include <algorithm>
#include <array>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/elementwise_list.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/backend.hpp>

namespace weft {
namespace {

using Instruction = ElementwiseProgram::Instruction;

/// Elements that go through the whole program at once: some 8 arrays of them fit the nearest cache.
constexpr int64_t tile_size = 1024;
constexpr size_t most_operands = 4;

void run_tile(const ElementwiseProgram& program, const KernelTable& table, const void* const* inputs,
              const int64_t* steps, const void** results, std::span<Tensor> outputs, int64_t offset, int64_t n) {
  char* slots = scratch<char>(cpu::ScratchUse::elementwise_slots, program.slots * tile_size * 8);
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& now = program.instructions[i];
    const void* operands[most_operands];
    int64_t operand_steps[most_operands];
    for (size_t k = 0; k < now.inputs.size(); ++k) {
      const int input = now.inputs[k];
      operands[k] = input < 0 ? results[~input] : inputs[input];
      operand_steps[k] = input < 0 ? 1 : steps[input];
    }
    void* to = nullptr;
    if (now.slot >= 0) {
      to = slots + now.slot * tile_size * 8;
    } else {
      auto place = std::find(program.outputs.begin(), program.outputs.end(), static_cast<int>(i));
      Tensor& output = outputs[static_cast<size_t>(place - program.outputs.begin())];
      to = static_cast<char*>(output.mutable_raw()) + offset * size_of(now.dtype);
    }
    results[i] = to;
    const Tile tile{operands, operand_steps, to, n};
    const KernelCall call{
        now.op.get(), now.operand_types, {const_cast<Tensor*>(now.result_type.data()), now.result_type.size()}, &tile};
    table.find(now.primitive)->run(call);
  }
}

void run_program(const ElementwiseProgram& program, const Shape& shape, const KernelCall& call) {
  const KernelTable& table = call.outputs[0].device().backend().kernels();
  std::array<cpu::StridedInput, cpu::most_strided_inputs> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) inputs[i] = cpu::broadcast_input(call.inputs[i], shape);
  const std::span<const cpu::StridedInput> given(inputs.data(), call.inputs.size());
  cpu::strided_pieces(shape, given, [&](const void* const* x, const int64_t* steps, int64_t offset, int64_t count) {
    const void* results[most_program_length];
    const void* at[cpu::most_strided_inputs];
    for (int64_t done = 0; done < count; done += tile_size) {
      for (size_t i = 0; i < given.size(); ++i)
        at[i] = static_cast<const char*>(x[i]) + done * steps[i] * inputs[i].item;
      run_tile(program, table, at, steps, results, call.outputs, offset + done, std::min(tile_size, count - done));
    }
  });
}

void fused_elementwise_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedElementwise>();
  std::array<DType, cpu::most_strided_inputs> dtypes;
  for (size_t i = 0; i < call.inputs.size(); ++i) dtypes[i] = call.inputs[i].dtype();
  const std::span<const DType> given(dtypes.data(), call.inputs.size());
  if (std::equal(given.begin(), given.end(), op.program->inputs.begin())) run_program(*op.program, op.shape, call);
  else run_program(op.program->prepared(given), op.shape, call);
}

}  // namespace

void register_cpu_fused_elementwise(KernelTable& table) {
  table.add<op::FusedElementwise>(fused_elementwise_kernel, wide_types, true);
  // What it can run; all of them go through cpu::map_pieces().
  auto tiled = [&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) { table.set_tiled<Op>(); };
  using namespace elementwise_list;
  UnaryNumbers::each(tiled), UnaryFloats::each(tiled), UnaryTests::each(tiled);
  BinaryNumbers::each(tiled), BinaryFloats::each(tiled), Comparisons::each(tiled), BinaryLogic::each(tiled);
  table.set_tiled<op::IntegerPow, op::LogicalNot>();
  table.set_tiled<op::Gelu, op::GeluGrad, op::Silu, op::SiluGrad, op::Select, op::Cast>();
}

}  // namespace weft
