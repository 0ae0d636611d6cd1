// One test for every primitive: it walks the list, so a primitive without samples or without a word on its gradient
// fails here.

#include <cmath>
#include <cstring>

#include <catch2/catch.hpp>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>

using namespace weft;

namespace {

Tensor as_dtype(const Tensor& tensor, DType dtype) {
  Tensor result = Tensor::empty(tensor.shape(), dtype);
  copy_elements(tensor, result);
  return result;
}

/// The sample's inputs with the floating ones in `dtype`.
Tensors inputs_in(const Sample& sample, DType dtype) {
  Tensors inputs;
  for (const Tensor& input : sample.inputs)
    inputs.push_back(is_floating(input.dtype()) ? as_dtype(input, dtype) : input);
  return inputs;
}

bool has_floats(const Sample& sample) {
  for (const Tensor& input : sample.inputs)
    if (is_floating(input.dtype())) return true;
  return false;
}

Tensors on(const char* device, const Tensors& inputs) {
  Tensors moved;
  for (const Tensor& input : inputs) moved.push_back(input.to(device));
  return moved;
}

/// The same values laid out with gaps, back to front.
Tensor scattered(const Tensor& tensor) {
  if (tensor.rank() == 0 || tensor.elements() == 0) return tensor;
  Shape wide = tensor.shape();
  wide[wide.rank() - 1] *= 3;
  Tensor memory = Tensor::empty(wide, tensor.dtype());
  std::memset(memory.mutable_raw(), 0, static_cast<size_t>(memory.bytes()));
  Strides strides = memory.strides();
  int64_t offset = 0;
  for (int axis = 0; axis < wide.rank(); ++axis) {
    if (axis == wide.rank() - 1) strides[axis] *= 3;
    offset += (tensor.shape()[axis] - 1) * strides[axis];
    strides[axis] = -strides[axis];
  }
  Tensor view = memory.strided_view(tensor.shape(), strides, offset);
  copy_elements(tensor, view);
  return view;
}

/// |got - expected| <= tolerance * (scale + |expected|), NaN and infinities by identity.
bool near(const Tensor& got, const Tensor& expected, double tolerance, std::string& message) {
  if (!(got.spec() == expected.spec())) {
    message = "expected " + to_string(expected.spec()) + ", got " + to_string(got.spec());
    return false;
  }
  auto a = as_dtype(got.to("cpu"), DType::float64).to_vector<double>();
  auto b = as_dtype(expected.to("cpu"), DType::float64).to_vector<double>();
  double scale = 0.1;
  for (double value : b)
    if (std::isfinite(value)) scale = std::max(scale, 0.05 * std::abs(value));
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    double error = std::abs(a[i] - b[i]);
    if (!(error <= tolerance * (scale + std::abs(b[i])))) {
      message = "element " + std::to_string(i) + ": expected " + std::to_string(b[i]) + ", got " +
                std::to_string(a[i]) + " (error " + std::to_string(error) + ")";
      return false;
    }
  }
  return true;
}

void check_near(const Tensors& got, const Tensors& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    std::string message;
    bool same = near(got[i], expected[i], is_floating(expected[i].dtype()) ? tolerance : 0, message);
    INFO("output " << i << ": " << message);
    CHECK(same);
  }
}

double tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::float64: return 1e-11;
    case DType::float32: return 2e-5;
    case DType::float16: return 4e-3;
    default: return 3e-2;
  }
}

template <class F> void for_every_sample(F&& check) {
  for (const Primitive* primitive : all_primitives()) {
    std::vector<Sample> samples = primitive->samples();
    for (size_t i = 0; i < samples.size(); ++i) {
      std::string shapes;
      for (const Tensor& input : samples[i].inputs) shapes += " " + to_string(input.spec());
      INFO(primitive->name() << ", sample " << i << ":" << shapes);
      check(*primitive, samples[i]);
    }
  }
}

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
