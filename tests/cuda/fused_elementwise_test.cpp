// Programs of elementwise ops in one kernel give the bits of the ops one after the other.

#include <catch2/catch.hpp>

#include <weft/autograd/jit.hpp>
#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/fused_elementwise.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::test;
using namespace weft::testing;

namespace {

Tensor run_program(const ElementwiseProgram& program, const Tensors& inputs) {
  const op::FusedElementwise op{std::make_shared<const ElementwiseProgram>(program.prepared(program.inputs)),
                                inputs[0].shape()};
  return apply(find_primitive(primitive_id<op::FusedElementwise>()), &op, inputs)[0];
}

template <class Op> ElementwiseProgram::Instruction instruction(std::vector<int> inputs) {
  ElementwiseProgram::Instruction result;
  result.primitive = primitive_id<Op>();
  result.op = std::make_shared<const Op>();
  result.dtype = DType::float32;
  result.inputs = std::move(inputs);
  return result;
}

/// A program of this primitive alone, run on `inputs`.
Tensor run_alone(const Primitive& primitive, const Sample& sample, const Tensors& inputs, const Tensor& expected) {
  ElementwiseProgram program;
  ElementwiseProgram::Instruction instruction;
  instruction.primitive = primitive.id();
  instruction.op = sample.op;
  instruction.dtype = expected.dtype();
  for (size_t i = 0; i < inputs.size(); ++i) {
    program.inputs.push_back(inputs[i].dtype());
    instruction.inputs.push_back(static_cast<int>(i));
  }
  program.instructions = {instruction};
  program.outputs = {0};
  const op::FusedElementwise op{std::make_shared<const ElementwiseProgram>(program.prepared(program.inputs)),
                                expected.shape()};
  return apply(find_primitive(primitive_id<op::FusedElementwise>()), &op, inputs)[0];
}

/// Calls `f` as it is and through jit, and compares; the plan holds `fused`.
template <class F> void check_fused(F&& f, const Tensors& inputs, const char* fused) {
  auto jitted = jit([&](const Tensors& in) { return f(in); });
  const Tensors expected = f(inputs);
  for (int run = 0; run < 2; ++run) {
    const Tensors got = jitted(inputs);
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) CHECK(same_bits(got[i], expected[i]));
  }
  INFO(jitted.describe());
  CHECK(jitted.describe().find(fused) != std::string::npos);
}

}  // namespace

TEST_CASE("every op that programs hold has the same bits in one", "[cuda]") {
  const KernelTable& table = grid_device().backend().kernels();
  int checked = 0;
  for (DType dtype : {DType::float64, DType::float32, DType::bfloat16, DType::float16})
    for_every_sample([&](const Primitive& primitive, const Sample& sample) {
      const KernelEntry* kernel = table.find(primitive.id());
      if (!kernel || !kernel->tiled) return;
      Tensors inputs;
      for (const Tensor& input : inputs_in(sample, dtype)) inputs.push_back(on_grid(input));
      for (const Tensor& input : inputs)
        if (!kernel->dtypes.contains(input.dtype())) return;
      const Tensor expected = apply(primitive, sample.op.get(), inputs)[0];
      INFO(name_of(dtype));
      CHECK(same_bits(run_alone(primitive, sample, inputs, expected), expected));
      ++checked;
    });
  CHECK(checked > 200);
}

TEST_CASE("a program mixes element types, shapes and several results", "[cuda]") {
  DeviceScope scope(grid_device());
  const Tensor x = on_grid(wave({7, 1, 11}, DType::bfloat16)), y = on_grid(wave({5, 11}, DType::float32, 1)),
               where_to = on_grid(places({7, 5, 11}, 9)), narrow = cast(where_to, DType::int32),
               mask = on_grid(wave({5, 1}, DType::float32, 2)) > Operand(0);
  check_fused(
      [](const Tensors& in) {
        const Tensor wide = cast(in[0], DType::float32) * in[1];
        const Tensor chosen = where(in[2] < Operand(4), wide, in[1]);
        const Tensor half = cast(chosen, DType::bfloat16) + in[0];
        return Tensors{chosen, half, cast(half, DType::int32)};
      },
      {x, y, narrow}, "where");
  check_fused(  // int64 and float64 take wide registers
      [](const Tensors& in) {
        const Tensor count = in[0] * Operand(3) - Operand(5);
        const Tensor real = sqrt(abs(cast(count, DType::float64)));
        return Tensors{where(in[1], real, -real), remainder(count, Operand(4))};
      },
      {where_to, mask}, "where");
}

TEST_CASE("a program keeps more values than the narrow registers hold", "[cuda]") {
  DeviceScope scope(grid_device());
  check_fused(
      [](const Tensors& in) {
        Tensors parts;
        for (int i = 0; i < 24; ++i) parts.push_back(tanh(in[0] * Operand(0.1f * static_cast<float>(i))));
        Tensor sum = parts[0];
        for (size_t i = 1; i < parts.size(); ++i) sum = sum * Operand(0.5f) + parts[i];
        return Tensors{sum, gelu(sum)};
      },
      {on_grid(wave({1031}))}, "tanh");
}

TEST_CASE("a program reads a value twice in its last use", "[cuda]") {
  // x * x, then tanh(y), whose places in registers must not be one.
  const Tensor x = on_grid(wave({1031})), y = on_grid(wave({1031}, DType::float32, 1));
  ElementwiseProgram program;
  program.inputs = {DType::float32, DType::float32};
  program.instructions = {instruction<op::Multiply>({0, 0}), instruction<op::Tanh>({1}), instruction<op::Add>({~0, ~1}),
                          instruction<op::Multiply>({~2, 1})};
  program.outputs = {3};
  CHECK(same_bits(run_program(program, {x, y}), (x * x + tanh(y)) * y));
}

TEST_CASE("a program takes more elements than there are threads at a time", "[cuda]") {
  DeviceScope scope(grid_device());
  const int64_t n = int64_t{132} * 16 * 256 * 4 + 259;
  check_fused([](const Tensors& in) { return Tensors{in[0] * Operand(2.0f) + in[1]}; },
              {on_grid(wave({n})), on_grid(wave({1}))}, "multiply + add");
}

TEST_CASE("a program takes views, and lengths that no block divides", "[cuda]") {
  DeviceScope scope(grid_device());
  for (int64_t n : {1, 3, 255, 1024, 1025, 4099}) {
    INFO(n);
    const Tensor x = on_grid(wave({n, 2}));
    check_fused(
        [](const Tensors& in) {
          const Tensor odd = in[0].strided_view({in[0].size(0)}, {2}, 1);
          return Tensors{silu(odd) * Operand(2.0f) + odd};
        },
        {x}, "silu + multiply");
  }
}
