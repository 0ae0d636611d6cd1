// One test for every primitive: it walks the list, so a primitive without samples or without a word on its gradient
// fails here.

#include <catch2/catch.hpp>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

Function runner(const Primitive& primitive, const Sample& sample) {
  return [&](const Tensors& inputs) { return apply(primitive, sample.op.get(), inputs); };
}

}  // namespace

TEST_CASE("every primitive has samples and a reference kernel and a word on its gradient", "[op]") {
  REQUIRE(all_primitives().size() > 50);
  for (const Primitive* primitive : all_primitives()) {
    INFO(primitive->name());
    CHECK_FALSE(primitive->samples().empty());
    CHECK((primitive->has_grad || primitive->has_composed || primitive->not_differentiable));
    CHECK(Device("reference").backend().kernels().find(primitive->id()) != nullptr);
  }
}

TEST_CASE("every primitive gives on cpu what the reference gives", "[op]") {
  for (DType dtype : {DType::float64, DType::float32, DType::bfloat16, DType::float16}) {
    for_every_sample([&](const Primitive& primitive, const Sample& sample) {
      if (!has_floats(sample) && dtype != DType::float64) return;
      INFO(name_of(dtype));
      Tensors inputs = inputs_in(sample, dtype);
      Tensors got;
      try {
        got = apply(primitive, sample.op.get(), inputs);
      } catch (const DTypeError&) {
        CHECK(is_half(dtype));  // half types run or say so
        return;
      }
      // A view has no kernel to run; its reference kernel is called by hand.
      Tensors expected;
      Tensors moved = on("reference", inputs);
      if (primitive.is_view) {
        if (is_half(dtype)) return;
        expected.push_back(Tensor::empty(got[0].shape(), got[0].dtype(), "reference"));
        Device("reference").backend().kernels().find(primitive.id())->run({sample.op.get(), moved, expected});
      } else {
        expected = apply(primitive, sample.op.get(), moved);
      }
      check_near(got, expected, tolerance_of(dtype) * sample.slack);
    });
  }
}

TEST_CASE("every primitive takes strided inputs", "[op]") {
  for_every_sample([&](const Primitive& primitive, const Sample& sample) {
    Tensors inputs = inputs_in(sample, DType::float32), strided;
    for (const Tensor& input : inputs) strided.push_back(scattered(input));
    check_near(apply(primitive, sample.op.get(), strided), apply(primitive, sample.op.get(), inputs),
               1e-6 * sample.slack);
  });
}

TEST_CASE("every primitive's shape rule tells the truth", "[op]") {
  for_every_sample([&](const Primitive& primitive, const Sample& sample) {
    Tensors inputs = inputs_in(sample, DType::float32), shapes;
    for (const Tensor& input : inputs) shapes.push_back(Tensor::meta(input.spec()));
    Tensors real = apply(primitive, sample.op.get(), inputs), promised = apply(primitive, sample.op.get(), shapes);
    REQUIRE(real.size() == promised.size());
    for (size_t i = 0; i < real.size(); ++i) {
      CHECK(real[i].spec() == promised[i].spec());
      CHECK(promised[i].is_meta() == !shapes.empty());
    }
  });
}

TEST_CASE("every composed form gives what the kernel gives", "[op]") {
  for_every_sample([&](const Primitive& primitive, const Sample& sample) {
    if (!primitive.has_composed) return;
    Tensors inputs = inputs_in(sample, DType::float64);
    check_near(primitive.composed(sample.op.get(), inputs), apply(primitive, sample.op.get(), inputs),
               1e-11 * sample.slack);
  });
}

TEST_CASE("every gradient agrees with central differences", "[op][gradient]") {
  for_every_sample([&](const Primitive& primitive, const Sample& sample) {
    if (primitive.not_differentiable || !sample.smooth) return;
    GradcheckResult result = gradcheck(runner(primitive, sample), sample.inputs, {.tolerance = 1e-6 * sample.slack});
    INFO(result.message);
    CHECK(result.passed);
  });
}

TEST_CASE("every second derivative agrees with central differences", "[op][gradient]") {
  for_every_sample([&](const Primitive& primitive, const Sample& sample) {
    if (primitive.not_differentiable || !sample.smooth) return;
    GradcheckResult result = gradcheck(runner(primitive, sample), sample.inputs,
                                       {.tolerance = 1e-6 * sample.slack, .most_elements = 12, .second_order = true});
    INFO(result.message);
    CHECK(result.passed);
  });
}
