#pragma once

#include <weft/core/tensor.hpp>

namespace weft::reference {

/// Calls f(flat, index) for every place of `shape` in row-major order, a plain counter at work.
template <class F> void for_each_place(const Shape& shape, F&& f) {
  const int64_t count = shape.elements();
  Shape index = Shape::filled(shape.rank(), 0);
  for (int64_t flat = 0; flat < count; ++flat) {
    f(flat, static_cast<const Shape&>(index));
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// The row-major number of the place `index` of `shape`.
inline int64_t flat_place(const Shape& index, const Shape& shape) {
  int64_t flat = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) flat = flat * shape[axis] + index[axis];
  return flat;
}

/// Element `i` of contiguous int32 or int64 indices.
inline int64_t index_at(const Tensor& indices, int64_t i) {
  return indices.dtype() == DType::int32 ? indices.raw_as<int32_t>()[i] : indices.raw_as<int64_t>()[i];
}

/// A number as an element of type T.
template <class T> T element_from(double value) {
  if constexpr (is_half(dtype_of<T>)) return T(static_cast<float>(value));
  else return static_cast<T>(value);
}

}  // namespace weft::reference
