#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/core/kernel_table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

/// Bounds of a program that a pass makes: what a backend may keep on its stack.
constexpr size_t most_program_inputs = 12, most_program_length = 64;

/// Elementwise primitives run one after another on each piece of their arrays, whose results on the way stay in the
/// nearest cache. Every result has the same shape.
struct ElementwiseProgram {
  struct Instruction {
    PrimitiveId primitive = -1;
    std::shared_ptr<const void> op;
    /// An input of the program, or with ~i the result of instruction i.
    std::vector<int> inputs;
    DType dtype = DType::float32;  ///< of the result

    // Filled by prepare():
    std::vector<Tensor> operand_types;  ///< shapes without data that say the operands' dtypes
    std::vector<Tensor> result_type;
    int slot = -1;  ///< where the result is kept for later instructions; -1: in an output
  };
  std::vector<DType> inputs;
  std::vector<Instruction> instructions;
  std::vector<int> outputs;  ///< the instructions whose results are wanted
  int slots = 0;             ///< results kept at the same time; filled by prepare()

  /// The same program for inputs of these dtypes, which differ from its own in the floating type at most; ready to run.
  ElementwiseProgram prepared(std::span<const DType> dtypes) const;
  /// Whether the memory of an input of the result's shape may become that of an output: no later instruction reads it.
  bool may_overwrite(size_t output, int input) const;
  /// `multiply + add + relu`.
  std::string name() const;
  friend bool operator==(const ElementwiseProgram& a, const ElementwiseProgram& b);
};

namespace op {

/// A program on inputs that broadcast to `shape`; one output of that shape for each of the program's.
struct FusedElementwise {
  static constexpr std::string_view name = "fused_elementwise";
  std::shared_ptr<const ElementwiseProgram> program;
  Shape shape;
  friend bool operator==(const FusedElementwise& a, const FusedElementwise& b) {
    return a.shape == b.shape && (a.program == b.program || *a.program == *b.program);
  }
};

}  // namespace op

/// Defines the primitive of this file.
void define_fused_elementwise();

}  // namespace weft
