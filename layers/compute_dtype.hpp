#pragma once

#include <initializer_list>
#include <optional>

#include <weft/core/tensor.hpp>

namespace weft {

/// A size that is worked out from the data at initialize() or at the first call.
inline constexpr int64_t inferred = -1;

/// The type a layer computes in: the one asked for, or else that to which its inputs and parameters promote, float32
/// at least. Undefined tensors do not count.
DType compute_dtype(const std::optional<DType>& wanted, std::initializer_list<Tensor> tensors);

/// `x` in that type; undefined stays undefined.
Tensor in_dtype(const Tensor& x, DType dtype);

/// Throws ShapeError `expected inputs with 512 features, got [8, 64, 256]`.
void check_features(const Tensor& x, int64_t features);
/// Throws ShapeError when there is no last axis.
void check_has_features(const Tensor& x);
/// Throws ValueError `out_features: expected 1 or more, got 0`.
void check_size(const char* what, int64_t size);

}  // namespace weft
