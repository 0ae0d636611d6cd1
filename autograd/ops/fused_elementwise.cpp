#include <weft/autograd/ops/fused_elementwise.hpp>

#include <algorithm>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

using Instruction = ElementwiseProgram::Instruction;

/// The floating type that the program was made for, and the one it is given. Throws DTypeError for any other
/// difference.
std::pair<DType, DType> floating_types(const ElementwiseProgram& program, std::span<const Spec> inputs) {
  std::pair<DType, DType> types{DType::float32, DType::float32};
  bool known = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const DType made_for = program.inputs[i], given = inputs[i].dtype;
    if (is_floating(made_for) && is_floating(given) && !known) {
      types = {made_for, given};
      known = true;
    }
    if (given != (made_for == types.first && known ? types.second : made_for))
      throw DTypeError("fused_elementwise: expected input " + std::to_string(i) + " to be " +
                       std::string(name_of(made_for)) + ", got " + std::string(name_of(given)));
  }
  return types;
}

Specs program_shape(const op::FusedElementwise& op, std::span<const Spec> inputs) {
  const ElementwiseProgram& program = *op.program;
  if (inputs.size() != program.inputs.size())
    throw ShapeError("fused_elementwise: expected " + std::to_string(program.inputs.size()) + " inputs, got " +
                     std::to_string(inputs.size()));
  for (const Spec& input : inputs) {
    if (!(broadcast_shapes(op.shape, input.shape, "fused_elementwise") == op.shape))
      throw ShapeError("fused_elementwise: expected inputs that broadcast to " + to_string(op.shape) + ", got " +
                       to_string(input.shape));
  }
  const auto [made_for, given] = floating_types(program, inputs);
  Specs outputs;
  for (int output : program.outputs) {
    const DType dtype = program.instructions[static_cast<size_t>(output)].dtype;
    outputs.push_back({op.shape, dtype == made_for ? given : dtype});
  }
  return outputs;
}

Tensors program_composed(const op::FusedElementwise& op, std::span<const Tensor> inputs) {
  Tensors results, outputs;
  for (const Instruction& instruction : op.program->instructions) {
    Tensors operands;
    for (int input : instruction.inputs)
      operands.push_back(input < 0 ? results[static_cast<size_t>(~input)] : inputs[static_cast<size_t>(input)]);
    results.push_back(apply(find_primitive(instruction.primitive), instruction.op.get(), operands)[0]);
  }
  for (int output : op.program->outputs)
    outputs.push_back(broadcast_to(results[static_cast<size_t>(output)], op.shape));
  return outputs;
}

Flops program_flops(const op::FusedElementwise& op, std::span<const Spec>, std::span<const Spec>) {
  return static_cast<Flops>(op.shape.elements()) * static_cast<Flops>(op.program->instructions.size());
}

template <class Op> Instruction instruction(const Op& op, std::vector<int> inputs, DType dtype = DType::float64) {
  Instruction made;
  made.primitive = primitive_id<Op>();
  made.op = std::make_shared<const Op>(op);
  made.inputs = std::move(inputs);
  made.dtype = dtype;
  return made;
}

std::vector<Sample> program_samples() {
  struct Chain {
    std::vector<Instruction> instructions;
    std::vector<int> outputs;
  };
  auto make = [](const Chain& chain, const Shape& shape, Tensors inputs, bool smooth = true) {
    ElementwiseProgram program;
    program.instructions = chain.instructions;
    program.outputs = chain.outputs;
    for (const Tensor& input : inputs) program.inputs.push_back(input.dtype());
    program = program.prepared(program.inputs);
    return sample(op::FusedElementwise{std::make_shared<const ElementwiseProgram>(std::move(program)), shape},
                  std::move(inputs), smooth);
  };
  const DType mask = DType::boolean;
  const Chain chain{
      {instruction(op::Multiply{}, {0, 1}), instruction(op::Add{}, {~0, 2}), instruction(op::Tanh{}, {~1})}, {2}};
  const Chain several{{instruction(op::Exp{}, {0}), instruction(op::Subtract{}, {~0, 1}),
                       instruction(op::Square{}, {~1}), instruction(op::Multiply{}, {~0, ~2})},
                      {0, 3}};
  const Chain compare{{instruction(op::Less{}, {0, 1}, mask), instruction(op::LogicalNot{}, {~0}, mask)}, {1}};
  return {make(chain, {3, 5, 7}, {spread({3, 5, 7}, -1, 1), spread({7}, -1, 1, 1), spread({5, 1}, -1, 1, 2)}),
          make(chain, {}, {spread({}, -1, 1), spread({}, -1, 1, 1), spread({}, -1, 1, 2)}),
          make(chain, {0, 3}, {spread({0, 3}, -1, 1), spread({3}, -1, 1, 1), spread({}, -1, 1, 2)}),
          make(chain, {2, 1031}, {spread({2, 1031}, -1, 1), spread({1, 1031}, -1, 1, 1), spread({2, 1}, -1, 1, 2)}),
          make(several, {13, 11}, {spread({13, 11}, -1, 1), spread({13, 11}, -1, 1, 1)}),
          make(several, {4099}, {spread({4099}, -1, 1), spread({}, -1, 1, 1)}),
          make(compare, {5, 3}, {spread({5, 3}, -1, 1), spread({3}, -1, 1, 1)}, false)};
}

}  // namespace

std::string ElementwiseProgram::name() const {
  std::string text;
  for (const Instruction& instruction : instructions)
    text += (text.empty() ? "" : " + ") + std::string(primitive_name(instruction.primitive));
  return text;
}

bool ElementwiseProgram::may_overwrite(size_t output, int input) const {
  const auto writer = static_cast<size_t>(outputs[output]);
  if (size_of(inputs[static_cast<size_t>(input)]) != size_of(instructions[writer].dtype)) return false;
  for (size_t i = writer + 1; i < instructions.size(); ++i)
    if (std::count(instructions[i].inputs.begin(), instructions[i].inputs.end(), input)) return false;
  return true;
}

ElementwiseProgram ElementwiseProgram::prepared(std::span<const DType> dtypes) const {
  ElementwiseProgram program = *this;
  DType made_for = DType::float32, given = DType::float32;
  for (size_t i = 0; i < dtypes.size(); ++i)
    if (is_floating(inputs[i])) made_for = inputs[i], given = dtypes[i];
  program.inputs.assign(dtypes.begin(), dtypes.end());
  const size_t count = instructions.size();
  std::vector<size_t> last(count, 0);  // to read each result
  for (size_t i = 0; i < count; ++i)
    for (int input : instructions[i].inputs)
      if (input < 0) last[static_cast<size_t>(~input)] = i;
  std::vector<size_t> busy_until;  // of each slot
  for (size_t i = 0; i < count; ++i) {
    Instruction& now = program.instructions[i];
    if (now.dtype == made_for) now.dtype = given;
    now.operand_types.clear();
    for (int input : now.inputs)
      now.operand_types.push_back(Tensor::meta({}, input < 0 ? program.instructions[static_cast<size_t>(~input)].dtype
                                                             : dtypes[static_cast<size_t>(input)]));
    now.result_type = {Tensor::meta({}, now.dtype)};
    now.slot = -1;
    if (std::count(outputs.begin(), outputs.end(), static_cast<int>(i))) continue;
    size_t slot = 0;
    while (slot < busy_until.size() && busy_until[slot] >= i) ++slot;
    if (slot == busy_until.size()) busy_until.push_back(0);
    busy_until[slot] = last[i];
    now.slot = static_cast<int>(slot);
  }
  program.slots = static_cast<int>(busy_until.size());
  return program;
}

bool operator==(const ElementwiseProgram& a, const ElementwiseProgram& b) {
  auto same = [](const Instruction& x, const Instruction& y) {
    return x.primitive == y.primitive && x.inputs == y.inputs && x.dtype == y.dtype &&
           find_primitive(x.primitive).equal(x.op.get(), y.op.get());
  };
  return a.inputs == b.inputs && a.outputs == b.outputs &&
         std::equal(a.instructions.begin(), a.instructions.end(), b.instructions.begin(), b.instructions.end(), same);
}

void define_fused_elementwise() {
  define_primitive<op::FusedElementwise>(
      {.shape = program_shape, .composed = program_composed, .samples = program_samples, .flops = program_flops});
}

}  // namespace weft
