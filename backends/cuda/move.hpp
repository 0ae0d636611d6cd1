#pragma once

#include <weft/core/tensor.hpp>

// Moving elements about without looking at them.

namespace weft::cuda {

/// Copies elements between tensors of one shape and dtype, of any strides; 16 bytes to a thread where both sides allow.
void move_elements(const Tensor& source, Tensor& target);

/// Every element of a contiguous tensor becomes `value`.
void fill_elements(Tensor& target, double value);

/// The bytes of `value` as an element of that type, again and again.
struct alignas(16) Pattern {
  unsigned char bytes[16];
};
Pattern pattern_of(double value, DType dtype);

/// The widest unit of 1, 2, 4, 8 or 16 bytes that `bytes` and all of the addresses are multiples of.
template <class... Pointers> int common_unit(int64_t bytes, Pointers... addresses) {
  const auto bits = (static_cast<uintptr_t>(bytes) | ... | reinterpret_cast<uintptr_t>(addresses)) | 16;
  return static_cast<int>(bits & -bits);
}

/// Calls f with a type of `unit` bytes, aligned to its size.
template <class F> void visit_unit(int unit, F&& f) {
  switch (unit) {
    case 1: return f(std::type_identity<uint8_t>{});
    case 2: return f(std::type_identity<uint16_t>{});
    case 4: return f(std::type_identity<uint32_t>{});
    case 8: return f(std::type_identity<uint64_t>{});
    default: return f(std::type_identity<Pattern>{});
  }
}

}  // namespace weft::cuda
