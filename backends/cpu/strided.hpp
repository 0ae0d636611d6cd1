#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include <weft/core/shape.hpp>

namespace weft::cpu {

/// An input of an elementwise op: any strides, in elements, one for each axis of the result (0 where broadcast).
struct StridedInput {
  const void* data;
  Strides strides;
  int64_t item;  ///< bytes of an element: 1, 2, 4 or 8
};
constexpr size_t most_strided_inputs = 12;

namespace detail {
/// `call(object, inputs, steps, offset, n)`.
struct PieceRef {
  void* object;
  void (*call)(void*, const void* const*, const int64_t*, int64_t, int64_t);
};
void strided_pieces(const Shape& shape, std::span<const StridedInput> inputs, PieceRef f);
}  // namespace detail

/// Cuts a contiguous result of `shape` into pieces and calls
/// f(const void* const* inputs, const int64_t* steps, int64_t offset, int64_t n) for each, on several threads: elements
/// [offset, offset + n) of the result come from inputs that are contiguous there (step 1) or one value (step 0). Other
/// strides are gathered into buffers of the near cache first. The pieces depend on shape and strides alone.
template <class F> void strided_pieces(const Shape& shape, std::span<const StridedInput> inputs, F&& f) {
  using Callable = std::remove_reference_t<F>;
  auto call = [](void* object, const void* const* in, const int64_t* steps, int64_t offset, int64_t n) {
    (*static_cast<Callable*>(object))(in, steps, offset, n);
  };
  detail::strided_pieces(shape, inputs, {const_cast<void*>(static_cast<const void*>(std::addressof(f))), call});
}

}  // namespace weft::cpu
