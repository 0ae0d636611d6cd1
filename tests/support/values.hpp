#pragma once

#include <vector>

#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>

namespace weft::test {

using Floats = std::vector<float>;

/// 0, 1, 2 ... in row-major order.
inline Tensor counting(const Shape& shape) { return reshape(arange(shape.elements(), DType::float32), shape); }
inline Tensor ints(const std::vector<int32_t>& values, const Shape& shape) { return Tensor::from(values, shape); }
inline Floats values(const Tensor& x) { return x.to_vector<float>(); }

}  // namespace weft::test
