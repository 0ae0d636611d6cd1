// Uses a primitive from outside the tree, and checks it as Weft checks its own.

#include <cmath>
#include <iostream>

#include <snake.hpp>

#include <weft/autograd/primitive.hpp>
#include <weft/weft.hpp>

using namespace weft;

namespace {

int failures = 0;

void check(bool good, const std::string& what) {
  std::cout << (good ? "passed: " : "FAILED: ") << what << '\n';
  failures += !good;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return a.elements() == 0 ? 0 : max(abs(a.to("cpu") - b.to("cpu"))).item();
}

/// The kernel against the composed form, first and second derivative against finite differences.
void check_samples() {
  const Primitive& primitive = find_primitive(primitive_id<snake::Snake>());
  for (const Sample& sample : primitive.samples()) {
    std::string name = to_string(sample.inputs[0].spec());
    Function run = [&](const Tensors& inputs) { return apply(primitive, sample.op.get(), inputs); };
    Tensor composed = run({sample.inputs[0].to("reference")})[0];  // no kernel there
    check(largest_difference(run(sample.inputs)[0], composed) < 1e-12, "cpu equals reference on " + name);
    for (bool second : {false, true}) {
      GradcheckResult result = gradcheck(run, sample.inputs, {.second_order = second});
      check(result.passed, (second ? "second derivative on " : "gradient on ") + name);
    }
  }
}

void check_derivatives() {
  // d/dx = 1 + sin(2 a x), d2/dx2 = 2 a cos(2 a x).
  Tensor x = Tensor::from(std::vector<double>{-1.5, 0.0, 0.7}, {3});
  auto f = [](const Tensor& at) { return sum(snake::snake(at, 0.5)); };
  Tensor second = grad([&](const Tensor& at) { return sum(grad(f, at)); }, x);
  check(largest_difference(grad(f, x), 1.0 + sin(x)) < 1e-12, "grad once");
  check(largest_difference(second, cos(x)) < 1e-12, "grad twice");
}

void check_errors_and_dtypes() {
  bool thrown = false;
  try {
    snake::snake(Tensor::from(std::vector<int>{1, 2}, {2}));
  } catch (const DTypeError& error) {
    thrown = true;
    std::cout << "  " << error.what() << '\n';
  }
  check(thrown, "integers are an error");
  Tensor half = cast(Tensor::from(std::vector<float>{0.5f}, {1}), DType::bfloat16);
  check(snake::snake(half).dtype() == DType::bfloat16, "half types run through float32");
}

}  // namespace

int main() try {
  snake::snake(zeros({1}));  // defines the primitive
  check_samples();
  check_derivatives();
  check_errors_and_dtypes();
  return failures == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
