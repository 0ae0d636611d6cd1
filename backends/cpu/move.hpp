#pragma once

#include <cstdint>
#include <type_traits>

#include <weft/core/tensor.hpp>

namespace weft::cpu {

/// Calls `f(std::type_identity<U>{})` with the unsigned integer as wide as an element, for kernels that only move them.
template <class F> decltype(auto) visit_width(DType dtype, F&& f) {
  switch (size_of(dtype)) {
    case 1: return f(std::type_identity<uint8_t>{});
    case 2: return f(std::type_identity<uint16_t>{});
    case 4: return f(std::type_identity<uint32_t>{});
    default: return f(std::type_identity<uint64_t>{});
  }
}

/// Calls `f(std::type_identity<I>{})` with int32_t or int64_t.
template <class F> decltype(auto) visit_index(DType dtype, F&& f) {
  if (dtype == DType::int32) return f(std::type_identity<int32_t>{});
  return f(std::type_identity<int64_t>{});
}

/// `value` as an element of type T.
template <class T> T element_from(double value) {
  if constexpr (is_half(dtype_of<T>)) return T(static_cast<float>(value));
  else return static_cast<T>(value);
}

/// copy_elements() on several threads; transpositions in blocks.
void copy_parallel(const Tensor& source, Tensor& target);

/// Every element of a contiguous tensor becomes `value`, on several threads.
void fill_parallel(Tensor& target, double value);

/// An axis and what is before and behind it: [outer, extent, inner].
struct AxisView {
  int64_t outer = 1, extent = 1, inner = 1;
  AxisView(const Shape& shape, int axis)
      : outer(shape.slice(0, axis).elements()),
        extent(shape[axis]),
        inner(shape.slice(axis + 1, shape.rank()).elements()) {}
};

/// How many items of `bytes` make a task that is worth a thread.
constexpr int64_t items_per_task(int64_t bytes) {
  const int64_t items = 32768 / (bytes > 0 ? bytes : 1);
  return items > 0 ? items : 1;
}

}  // namespace weft::cpu
