#pragma once

#include <cmath>
#include <cstring>
#include <string>

#include <catch2/catch.hpp>

#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

// What the tests that walk over all primitives' samples share.

namespace weft::testing {

inline Tensor as_dtype(const Tensor& tensor, DType dtype) {
  Tensor result = Tensor::empty(tensor.shape(), dtype);
  copy_elements(tensor, result);
  return result;
}

/// The sample's inputs with the floating ones in `dtype`.
inline Tensors inputs_in(const Sample& sample, DType dtype) {
  Tensors inputs;
  for (const Tensor& input : sample.inputs)
    inputs.push_back(is_floating(input.dtype()) ? as_dtype(input, dtype) : input);
  return inputs;
}

inline bool has_floats(const Sample& sample) {
  for (const Tensor& input : sample.inputs)
    if (is_floating(input.dtype())) return true;
  return false;
}

inline Tensors on(const char* device, const Tensors& inputs) {
  Tensors moved;
  for (const Tensor& input : inputs) moved.push_back(input.to(device));
  return moved;
}

/// The same values laid out with gaps, back to front.
inline Tensor scattered(const Tensor& tensor) {
  if (tensor.rank() == 0 || tensor.elements() == 0) return tensor;
  Shape wide = tensor.shape();
  wide[wide.rank() - 1] *= 3;
  Tensor zeros = Tensor::empty(wide, tensor.dtype(), Device());
  std::memset(zeros.mutable_raw(), 0, static_cast<size_t>(zeros.bytes()));
  Tensor memory = zeros.to(tensor.device());
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
inline bool near(const Tensor& got, const Tensor& expected, double tolerance, std::string& message) {
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

inline void check_near(const Tensors& got, const Tensors& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    std::string message;
    bool same = near(got[i], expected[i], is_floating(expected[i].dtype()) ? tolerance : 0, message);
    INFO("output " << i << ": " << message);
    CHECK(same);
  }
}

inline double tolerance_of(DType dtype) {
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

}  // namespace weft::testing
