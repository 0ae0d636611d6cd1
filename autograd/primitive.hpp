#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <weft/core/kernel_table.hpp>
#include <weft/core/small_vector.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

using Specs = SmallVector<Spec, 2>;
using Tensors = std::vector<Tensor>;

/// What a gradient rule is called with. Inputs and outputs that the primitive does not save are shapes without data.
struct GradCall {
  std::span<const Tensor> inputs;
  std::span<const Tensor> outputs;
  std::span<const Tensor> cotangents;  ///< one for each output, zeros where no gradient arrives
  uint64_t wanted = ~uint64_t{0};      ///< bit i: the gradient of input i is asked for; past 63 always

  bool wants(size_t input) const { return input >= 64 || (wanted >> input & 1); }
  const Tensor& cotangent() const { return cotangents[0]; }
};

/// One case of the generic op test.
struct Sample {
  std::shared_ptr<const void> op;
  Tensors inputs;  ///< floating inputs in float64; the test converts them
  /// False where finite differences make no sense: at kinks and ties, or for outputs that jump.
  bool smooth = true;
  /// Multiplies the test's tolerances, for ill-conditioned functions.
  double slack = 1;
};

template <class Op> Sample sample(Op op, Tensors inputs, bool smooth = true, double slack = 1) {
  return {std::make_shared<const Op>(std::move(op)), std::move(inputs), smooth, slack};
}

/// Floating-point operations of one call; bytes follow from the shapes.
using Flops = double;

/// All that the engine knows of a primitive with attributes Op. Only `shape` and `samples` are always needed, and
/// `grad`, `composed` or `not_differentiable`.
template <class Op> struct Rules {
  /// Output shapes and dtypes; throws ShapeError, DTypeError, ... for inputs that do not fit.
  Specs (*shape)(const Op&, std::span<const Spec>) = nullptr;
  /// Cotangents of the inputs, written in terms of other ops; undefined tensors where no gradient flows.
  Tensors (*grad)(const Op&, const GradCall&) = nullptr;
  /// The same result from other ops: run where a backend has no kernel, and differentiated when there is no `grad`.
  Tensors (*composed)(const Op&, std::span<const Tensor>) = nullptr;
  /// The output is a view of the first input; then there are no kernels.
  Tensor (*view)(const Op&, const Tensor&) = nullptr;
  std::vector<Sample> (*samples)() = nullptr;
  /// Bit i: input (output) i is kept for the gradient.
  uint64_t saved_inputs = 0, saved_outputs = 0;
  bool not_differentiable = false;
  /// One output element depends on the input elements at its own (broadcast) place alone.
  bool elementwise = false;
  /// Which input's memory this output may be written over, element for element, once nobody else reads it; -1 none.
  /// Kernels of such a primitive work in place. Null: any input of an elementwise primitive, else none.
  int (*overwrites)(const Op&, int output, int inputs) = nullptr;
  /// Floating-point operations; null counts one for each output element.
  Flops (*flops)(const Op&, std::span<const Spec> inputs, std::span<const Spec> outputs) = nullptr;
};

/// A primitive with its attributes' type erased.
class Primitive {
 public:
  explicit Primitive(PrimitiveId id) : id_(id), name_(primitive_name(id)) {}
  virtual ~Primitive() = default;

  PrimitiveId id() const { return id_; }
  const std::string& name() const { return name_; }

  virtual Specs shape(const void* op, std::span<const Spec> inputs) const = 0;
  virtual Tensors grad(const void* op, const GradCall& call) const = 0;
  virtual Tensors composed(const void* op, std::span<const Tensor> inputs) const = 0;
  virtual Tensor view(const void* op, const Tensor& input) const = 0;
  virtual Flops flops(const void* op, std::span<const Spec> inputs, std::span<const Spec> outputs) const = 0;
  virtual int overwrites(const void* op, int output, int inputs) const = 0;
  virtual std::vector<Sample> samples() const = 0;
  virtual std::shared_ptr<const void> copy_op(const void* op) const = 0;
  /// The same in memory of `op_size` bytes, to be ended by destroy_op().
  virtual void copy_op_to(void* place, const void* op) const = 0;
  virtual void destroy_op(void* op) const noexcept = 0;
  virtual bool equal(const void* a, const void* b) const = 0;

  bool has_grad = false, has_composed = false, is_view = false, not_differentiable = false, elementwise = false;
  uint64_t saved_inputs = 0, saved_outputs = 0;
  size_t op_size = 0;

 private:
  PrimitiveId id_;
  std::string name_;
};

template <class Op> class PrimitiveOf final : public Primitive {
 public:
  explicit PrimitiveOf(const Rules<Op>& rules) : Primitive(primitive_id<Op>()), rules_(rules) {
    has_grad = rules.grad;
    has_composed = rules.composed;
    is_view = rules.view;
    not_differentiable = rules.not_differentiable;
    elementwise = rules.elementwise;
    saved_inputs = rules.saved_inputs;
    saved_outputs = rules.saved_outputs;
    op_size = sizeof(Op);
    static_assert(alignof(Op) <= alignof(std::max_align_t));
  }

  Specs shape(const void* op, std::span<const Spec> inputs) const override { return rules_.shape(as(op), inputs); }
  Tensors grad(const void* op, const GradCall& call) const override { return rules_.grad(as(op), call); }
  Tensors composed(const void* op, std::span<const Tensor> inputs) const override {
    return rules_.composed(as(op), inputs);
  }
  Tensor view(const void* op, const Tensor& input) const override { return rules_.view(as(op), input); }
  Flops flops(const void* op, std::span<const Spec> inputs, std::span<const Spec> outputs) const override {
    if (rules_.flops) return rules_.flops(as(op), inputs, outputs);
    Flops total = 0;
    for (const Spec& output : outputs) total += static_cast<Flops>(output.shape.elements());
    return rules_.view ? 0 : total;
  }
  int overwrites(const void* op, int output, int inputs) const override {
    return rules_.overwrites ? rules_.overwrites(as(op), output, inputs) : -1;
  }
  std::vector<Sample> samples() const override { return rules_.samples ? rules_.samples() : std::vector<Sample>{}; }
  std::shared_ptr<const void> copy_op(const void* op) const override { return std::make_shared<const Op>(as(op)); }
  void copy_op_to(void* place, const void* op) const override { new (place) Op(as(op)); }
  void destroy_op(void* op) const noexcept override { static_cast<Op*>(op)->~Op(); }
  bool equal(const void* a, const void* b) const override { return as(a) == as(b); }

 private:
  static const Op& as(const void* op) { return *static_cast<const Op*>(op); }
  Rules<Op> rules_;
};

/// Makes a primitive known. Throws StateError when there is one of that name.
void define_primitive(std::unique_ptr<Primitive> primitive);
template <class Op> void define_primitive(const Rules<Op>& rules) {
  define_primitive(std::make_unique<PrimitiveOf<Op>>(rules));
}

/// Throws StateError when nobody defined it.
const Primitive& find_primitive(PrimitiveId id);
/// All of them, by id.
std::vector<const Primitive*> all_primitives();

/// Runs a primitive: checks shapes and devices, finds the backend's kernel (or the composed form), and records on the
/// tape when an input is on it.
Tensors apply(const Primitive& primitive, const void* op, std::span<const Tensor> inputs);

/// The same, for the first output alone.
Tensor apply_single(const Primitive& primitive, const void* op, std::span<const Tensor> inputs);

template <class Op> Tensors apply_all(const Op& op, std::span<const Tensor> inputs) {
  static const Primitive& primitive = find_primitive(primitive_id<Op>());
  return apply(primitive, &op, inputs);
}
template <class Op> Tensors apply_all(const Op& op, std::initializer_list<Tensor> inputs) {
  return apply_all(op, std::span<const Tensor>(inputs.begin(), inputs.size()));
}
/// The first output.
template <class Op> Tensor apply(const Op& op, std::span<const Tensor> inputs) {
  static const Primitive& primitive = find_primitive(primitive_id<Op>());
  return apply_single(primitive, &op, inputs);
}
template <class Op> Tensor apply(const Op& op, std::initializer_list<Tensor> inputs) {
  return apply(op, std::span<const Tensor>(inputs.begin(), inputs.size()));
}

}  // namespace weft
