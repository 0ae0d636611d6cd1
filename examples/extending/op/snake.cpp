#include <snake.hpp>

#include <cmath>
#include <mutex>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>

namespace snake {
namespace {

using namespace weft;

/// Checks everything, so that kernels never have to.
Specs snake_shape(const Snake& op, std::span<const Spec> in) {
  expect_float(Snake::name, in[0]);
  if (!(op.frequency > 0)) throw ValueError("snake: expected a frequency above 0, got " + std::to_string(op.frequency));
  return {in[0]};
}

/// Written in ops that have gradients themselves, so derivatives of any order follow.
Tensors snake_grad(const Snake& op, const GradCall& call) {
  return {call.cotangent() * (1.0 + sin(2 * op.frequency * call.inputs[0]))};
}

/// The same from other ops: what a backend without a kernel runs, such as `reference`.
Tensors snake_composed(const Snake& op, std::span<const Tensor> in) {
  return {in[0] + square(sin(op.frequency * in[0])) / op.frequency};
}

/// Odd sizes, rank 0, nothing at all: what the checks run on.
std::vector<Sample> snake_samples() {
  return {sample(Snake{1}, {spread({3, 67}, -4, 4)}), sample(Snake{0.5}, {spread({2, 5, 7}, -4, 4)}),
          sample(Snake{2}, {spread({}, -1, 1)}), sample(Snake{1}, {spread({0, 3}, -1, 1)})};
}

/// Inputs are contiguous and of the dtypes given below; outputs are allocated. Half types come as float32.
void snake_kernel(const KernelCall& call) {
  const double frequency = call.op<Snake>().frequency;
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* x = call.inputs[0].raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    const T a = static_cast<T>(frequency);
    // The pieces do not depend on the number of threads, so neither do the bits.
    parallel_chunks(call.inputs[0].elements(), 4096, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T s = std::sin(a * x[i]);
        y[i] = x[i] + s * s / a;
      }
    });
  });
}

void define_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    define_primitive<Snake>({.shape = snake_shape,
                             .grad = snake_grad,
                             .composed = snake_composed,
                             .samples = snake_samples,
                             .saved_inputs = 1,  // bit 0: the gradient needs input 0
                             .elementwise = true});
    Device("cpu").backend().kernels().add<Snake>(snake_kernel, wide_floats);
  });
}

}  // namespace

weft::Tensor snake(const weft::Tensor& x, double frequency) {
  define_once();
  return apply(Snake{frequency}, {x});
}

}  // namespace snake
