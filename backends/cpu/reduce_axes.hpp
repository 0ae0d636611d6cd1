#pragma once

#include <cstdint>

#include <weft/backends/cpu/isa/reduce.hpp>

namespace weft::cpu {

/// y [outer, inner] from contiguous x [outer, n, inner], combined over the middle axis; over nothing it is the identity
/// (0, 1, -inf, inf). For float and double, shared among threads; the order of combination depends on the shape and
/// instruction set alone. May throw MemoryError.
template <class T> void reduce_axis(Reduction kind, const T* x, int64_t outer, int64_t n, int64_t inner, T* y);

}  // namespace weft::cpu
