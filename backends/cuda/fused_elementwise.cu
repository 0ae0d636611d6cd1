#include <weft/autograd/ops/fused_elementwise.hpp>

#include <algorithm>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/backends/cuda/fused_program.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

constexpr int most_inputs = static_cast<int>(most_program_inputs);
constexpr int most_length = static_cast<int>(most_program_length);

struct Array {
  void* data;
  DType type;
};

/// Each thread takes `Each` elements through the whole program, with its values in `Registers` registers of type Word.
template <class Word, int Each, int Registers> struct FusedKernel {
  int length, inputs;
  Array input[most_inputs], output[most_length];
  FusedInstruction instructions[most_length];
  int64_t n;
  Walk<most_inputs> walk;
  bool flat;  ///< as Walk::is_flat

  using Registered = FusedThread<Word, Each, Registers>;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t at_once = int64_t{thread.block_size()} * Each;
    for (int64_t first = thread.block() * at_once; first < n; first += thread.blocks() * at_once) {
      // A thread's elements stand a block apart, so that neighbours read neighbours.
      const int64_t mine = first + thread.index();
      if (mine >= n) continue;
      const int64_t left = (n - mine + thread.block_size() - 1) / thread.block_size();
      const int count = left < Each ? static_cast<int>(left) : Each;
      Registered values(count);
      for (int e = 0; e < count; ++e) load(values, e, mine + int64_t{e} * thread.block_size());
      for (int i = 0; i < length; ++i) {
        values.run(instructions[i]);
        if (instructions[i].output >= 0)
          for (int e = 0; e < count; ++e)
            store(instructions[i], values.value(instructions[i].result, e), mine + int64_t{e} * thread.block_size());
      }
    }
  }

 private:
  WEFT_DEVICE void load(Registered& values, int e, int64_t i) const {
    typename Walk<most_inputs>::Places places;
    if (!flat) places = walk.places(i);
    for (int k = 0; k < inputs; ++k) {
      const int64_t at = !flat ? places.at[k] : walk.axes > 0 ? i * walk.steps[k][0] : 0;
      Registered::visit(input[k].type, [&]<class T>(std::type_identity<T>) {
        values.value(k, e).set(static_cast<Computed<T>>(static_cast<const T*>(input[k].data)[at]));
      });
    }
  }
  WEFT_DEVICE void store(const FusedInstruction& made, const FusedValue<Word>& value, int64_t i) const {
    Registered::visit(made.result_type, [&]<class T>(std::type_identity<T>) {
      static_cast<T*>(output[made.output].data)[i] = static_cast<T>(value.template get<Computed<T>>());
    });
  }
};

/// Which primitives a program may hold, and how they are run.
class Catalogue {
 public:
  struct Entry {
    FusedKind kind;
    uint8_t code;
  };

  Catalogue() {
    using namespace elementwise_list;
    list(FusedKind::unary_number, UnaryNumbers()), list(FusedKind::unary_float, UnaryFloats());
    list(FusedKind::unary_test, UnaryTests()), list(FusedKind::binary_number, BinaryNumbers());
    list(FusedKind::binary_float, BinaryFloats()), list(FusedKind::comparison, Comparisons());
    list(FusedKind::binary_logic, BinaryLogic());
    list(FusedKind::unary_activation, UnaryActivations()), list(FusedKind::binary_activation, BinaryActivations());
    add<op::LogicalNot>(FusedKind::logical_not, 0), add<op::IntegerPow>(FusedKind::integer_pow, 0);
    add<op::Select>(FusedKind::select, 0), add<op::Cast>(FusedKind::cast, 0);
  }

  /// Of a primitive of a program. What chooses among functors is in its attributes.
  Entry find(const ElementwiseProgram::Instruction& instruction) const {
    Entry entry = entries_[static_cast<size_t>(instruction.primitive)];
    const void* op = instruction.op.get();
    if (instruction.primitive == primitive_id<op::Gelu>()) entry.code = !static_cast<const op::Gelu*>(op)->approximate;
    if (instruction.primitive == primitive_id<op::GeluGrad>())
      entry.code = !static_cast<const op::GeluGrad*>(op)->approximate;
    return entry;
  }

 private:
  template <class... Entries> void list(FusedKind kind, ElementwiseList<Entries...> entries) {
    int code = 0;
    entries.each([&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) { add<Op>(kind, code++); });
  }
  template <class Op> void add(FusedKind kind, int code) {
    const auto id = static_cast<size_t>(primitive_id<Op>());
    if (entries_.size() <= id) entries_.resize(id + 1);
    entries_[id] = {kind, static_cast<uint8_t>(code)};
  }

  std::vector<Entry> entries_;
};

/// A program with its values in registers: those of inputs first, each taken again when nobody reads it any more.
struct Compiled {
  FusedInstruction instructions[most_length];
  int length = 0, registers = 0;
  bool wide = false;  ///< some value takes 64 bits

  explicit Compiled(const ElementwiseProgram& program) {
    static const Catalogue catalogue;
    const auto inputs = static_cast<int>(program.inputs.size());
    length = static_cast<int>(program.instructions.size());
    int last[most_inputs + most_length] = {}, home[most_inputs + most_length] = {};
    auto number = [&](int operand) { return operand < 0 ? inputs + ~operand : operand; };
    for (int i = 0; i < length; ++i)
      for (int operand : program.instructions[static_cast<size_t>(i)].inputs) last[number(operand)] = i;
    std::vector<uint8_t> free;
    registers = inputs;
    for (int k = 0; k < inputs; ++k) {
      home[k] = k;
      wide = wide || is_wide(program.inputs[static_cast<size_t>(k)]);
    }
    for (int i = 0; i < length; ++i) {
      const auto& given = program.instructions[static_cast<size_t>(i)];
      const Catalogue::Entry entry = catalogue.find(given);
      FusedInstruction& now = instructions[i];
      now.kind = entry.kind;
      now.code = entry.code;
      now.type = given.operand_types.back().dtype();
      now.result_type = given.dtype;
      if (now.kind == FusedKind::integer_pow) now.power = static_cast<const op::IntegerPow*>(given.op.get())->power;
      wide = wide || is_wide(given.dtype);
      for (size_t k = 0; k < given.inputs.size(); ++k) {
        const int value = number(given.inputs[k]);
        now.operands[k] = static_cast<uint8_t>(home[value]);
        const bool again = std::find(given.inputs.begin(), given.inputs.begin() + static_cast<std::ptrdiff_t>(k),
                                     given.inputs[k]) != given.inputs.begin() + static_cast<std::ptrdiff_t>(k);
        if (last[value] == i && !again) free.push_back(static_cast<uint8_t>(home[value]));
      }
      // The result may take an operand's place: an element is read before it is written.
      if (free.empty()) free.push_back(static_cast<uint8_t>(registers++));
      now.result = free.back();
      free.pop_back();
      home[inputs + i] = now.result;
      const auto output = std::find(program.outputs.begin(), program.outputs.end(), i);
      if (output != program.outputs.end()) now.output = static_cast<int8_t>(output - program.outputs.begin());
      if (last[inputs + i] == 0) free.push_back(now.result);  // nobody reads it
    }
  }

  static bool is_wide(DType type) { return size_of(type) == 8; }
};

template <class Word, int Each, int Registers> void start(const Compiled& program, const KernelCall& call) {
  const Shape& shape = call.outputs[0].shape();
  FusedKernel<Word, Each, Registers> kernel{};
  kernel.length = program.length;
  kernel.inputs = static_cast<int>(call.inputs.size());
  std::copy_n(program.instructions, program.length, kernel.instructions);
  std::array<Strides, most_program_inputs> strides;
  strides.fill(Strides::filled(shape.rank(), 0));
  for (size_t k = 0; k < call.inputs.size(); ++k) {
    kernel.input[k] = {const_cast<void*>(call.inputs[k].raw()), call.inputs[k].dtype()};
    strides[k] = broadcast_strides(call.inputs[k], shape);
  }
  for (size_t o = 0; o < call.outputs.size(); ++o)
    kernel.output[o] = {call.outputs[o].mutable_raw(), call.outputs[o].dtype()};
  kernel.n = shape.elements();
  kernel.walk = make_walk<most_inputs>(shape, strides);
  kernel.flat = kernel.walk.is_flat();
  launch(kernel, blocks_for(kernel.n, Each), usual_threads);
}

void run_program(const ElementwiseProgram& program, const KernelCall& call) {
  const Compiled compiled(program);
  constexpr int usual_registers = 16;
  if (!compiled.wide && compiled.registers <= usual_registers) start<uint32_t, 4, usual_registers>(compiled, call);
  else start<uint64_t, 1, most_inputs + most_length>(compiled, call);
}

void fused_elementwise_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedElementwise>();
  if (op.shape.elements() == 0) return;
  std::vector<DType> given;
  for (const Tensor& input : call.inputs) given.push_back(input.dtype());
  if (given == op.program->inputs) run_program(*op.program, call);
  else run_program(op.program->prepared(given), call);
}

}  // namespace

void register_cuda_fused_elementwise(KernelTable& table) {
  table.add<op::FusedElementwise>(fused_elementwise_kernel, all_types, true);
  // What a program may hold.
  auto fusible = [&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) { table.set_tiled<Op>(); };
  using namespace elementwise_list;
  UnaryNumbers::each(fusible), UnaryFloats::each(fusible), UnaryTests::each(fusible);
  BinaryNumbers::each(fusible), BinaryFloats::each(fusible), Comparisons::each(fusible), BinaryLogic::each(fusible);
  table.set_tiled<op::IntegerPow, op::LogicalNot>();
  table.set_tiled<op::Gelu, op::GeluGrad, op::Silu, op::SiluGrad, op::Select, op::Cast>();
}

}  // namespace weft::cuda
