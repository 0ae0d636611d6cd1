#pragma once

#include <cmath>
#include <cstring>

#include <catch2/catch.hpp>

#ifndef WEFT_TESTS_ON_GPU
#include <weft/backends/cuda/emulation/backend.hpp>
#endif
#include <weft/core/backend.hpp>
#include <weft/core/tensor.hpp>

// What the tests that compare the cuda backend with `cpu` share.

namespace weft::test {

/// The emulated grid, or the GPU in a build with WEFT_CUDA.
inline Device grid_device() {
#ifdef WEFT_TESTS_ON_GPU
  return Device("cuda");
#else
  return cuda::emulated_device();
#endif
}

inline Tensor on_grid(const Tensor& x) { return x.to(grid_device()); }

inline bool same_bits(const Tensor& a, const Tensor& b) {
  Tensor x = a.to("cpu").contiguous(), y = b.to("cpu").contiguous();
  return x.spec() == y.spec() && (x.bytes() == 0 || std::memcmp(x.raw(), y.raw(), static_cast<size_t>(x.bytes())) == 0);
}

/// Waves of any dtype.
inline Tensor wave(const Shape& shape, DType dtype = DType::float32, double phase = 0) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(3 * std::sin(0.37 * static_cast<double>(i) + phase));
  Tensor result = Tensor::empty(shape, dtype), from = Tensor::from(values, shape);
  copy_elements(from, result);
  return result;
}

/// Integers from 0 to below `extent`, with repetitions and in no order.
inline Tensor places(const Shape& shape, int64_t extent) {
  std::vector<int64_t> values(static_cast<size_t>(shape.elements()));
  uint64_t state = 1;
  for (int64_t& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(extent));
  }
  return Tensor::from(values, shape);
}

}  // namespace weft::test
